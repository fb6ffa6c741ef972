package onnx

import (
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

const microsoftDomain = "com.microsoft"

var textOperators = []operator{
	{name: "StringNormalizer", since: 10, inputs: exactlyOne, outputs: exactlyOne, rows: rowsOfTexts, compile: stringNormalizer,
		attributes: []string{"case_change_action", "is_case_sensitive", "locale", "stopwords"}},
	{name: "Tokenizer", domain: microsoftDomain, since: 1, inputs: exactlyOne, outputs: exactlyOne, rows: rowsOfFirst, compile: tokenizer,
		attributes: []string{"mark", "mincharnum", "pad_value", "separators", "tokenexp"}},
}

// rowsOfTexts is the rule of StringNormalizer, which keeps every text unless some are stop words.
func rowsOfTexts(n *node) int {
	if n.sameSize {
		return rowsOfFirst(n)
	}
	return batchMixed
}

// stringNormalizer changes the case of texts and leaves out those that are stop words; of nothing it makes one empty text.
func stringNormalizer(n *node) (kernel, error) {
	n.types(0, String)
	change := strings.Clone
	switch n.mode("case_change_action", "NONE", "LOWER", "UPPER") {
	case "LOWER":
		change = strings.ToLower
	case "UPPER":
		change = strings.ToUpper
	}
	n.string("locale", "") // case is changed character by character, the same in every locale
	exact := n.flag("is_case_sensitive", 0)
	shape := n.known(0)
	if n.err == nil && len(shape) != 1 && (len(shape) != 2 || shape[0] > 1) {
		return nil, n.unsupported([]string{"[texts]", "[1, texts]"}, "input 0 has shape %s", ShapeText(shape))
	}
	stop := map[string]bool{}
	for _, w := range n.strings("stopwords") {
		if !exact {
			w = strings.ToLower(w)
		}
		stop[w] = true
	}
	out := append([]int{}, shape...)
	if n.sameSize = len(stop) == 0; !n.sameSize {
		out[len(out)-1] = -1
	}
	n.set(0, String, out...)
	return func(c *call) error {
		in := c.in[0]
		if len(in.Shape) != len(out) || len(out) == 2 && in.Shape[0] != 1 {
			return c.fault(-1, 0, "input 0 has shape %s, want [texts] or [1, texts]", ShapeText(in.Shape))
		}
		c.dims = append(c.dims[:0], in.Shape...)
		if err := c.resize(c.out[0], c.dims...); err != nil {
			return err
		}
		kept := c.out[0].Str[:0]
		for _, s := range in.Str {
			word := s
			if !exact {
				word = strings.ToLower(s)
			}
			if len(stop) == 0 || !stop[word] {
				kept = append(kept, change(s))
			}
		}
		if len(kept) == 0 && len(in.Str) > 0 {
			kept = append(kept, "")
		}
		c.dims[len(c.dims)-1] = len(kept)
		return c.resize(c.out[0], c.dims...)
	}, nil
}

// tokenizer splits each text into tokens along a new last dimension, the shorter lists filled up. A token is what the expression
// matches, or what stands between separators. Go's expressions are RE2's, which ONNX Runtime takes.
func tokenizer(n *node) (kernel, error) {
	n.types(0, String)
	if n.flag("mark", 0) {
		return nil, n.unsupported([]string{"0"}, "mark is 1")
	}
	pad, least := n.string("pad_value", ""), n.int("mincharnum", 0)
	if !n.given("pad_value") || least < 1 {
		return nil, n.invalid("pad_value and mincharnum, from 1, must be given")
	}
	expression, separators := n.string("tokenexp", ""), n.strings("separators")
	if (expression == "") == (len(separators) == 0) {
		return nil, n.invalid("one of tokenexp and separators must be given")
	}
	var split tokenSplitter
	var err error
	switch {
	case expression != "":
		split.token, err = regexp.Compile(expression)
	case len(separators) == 1 && separators[0] == "":
		split.token = regexp.MustCompile(`(?s).`) // each character
	default:
		split.separator, err = regexp.Compile("(?:" + strings.Join(separators, ")|(?:") + ")")
	}
	if err != nil {
		return nil, n.unsupported([]string{"RE2 syntax"}, "%v", err)
	}
	shape := n.known(0)
	if n.err == nil && (len(shape) < 1 || len(shape) > 2) {
		return nil, n.unsupported([]string{"[texts]", "[rows, texts]"}, "input 0 has shape %s", ShapeText(shape))
	}
	split.least = int(min(least, maxName))
	n.set(0, String, append(append([]int{}, shape...), -1)...)
	n.pads = &pad
	return func(c *call) error { return runTokenizer(c, split, pad) }, nil
}

type tokenSplitter struct {
	token, separator *regexp.Regexp
	least            int // characters of a token
}

// each calls visit with the tokens of a text.
func (s *tokenSplitter) each(text string, visit func(token string)) {
	keep := func(token string) {
		if utf8.RuneCountInString(token) >= s.least {
			visit(token)
		}
	}
	if s.separator != nil {
		for text != "" {
			at := s.separator.FindStringIndex(text)
			if at == nil || at[1] == 0 {
				break
			}
			keep(text[:at[0]])
			text = text[at[1]:]
		}
		keep(text)
		return
	}
	for text != "" {
		at := s.token.FindStringIndex(text)
		if at == nil {
			return
		}
		keep(text[at[0]:at[1]])
		if at[1] == 0 { // an empty match: go on behind the next character
			_, at[1] = utf8.DecodeRuneInString(text)
		}
		text = text[at[1]:]
	}
}

// maxTokens bounds the tokens of a batch, each row filled up to the longest.
const maxTokens = 1 << 20

func runTokenizer(c *call, split tokenSplitter, pad string) error {
	in := c.in[0]
	longest, at := 0, 0
	for i, s := range in.Str {
		count := 0
		split.each(s, func(string) { count++ })
		if count > longest {
			longest, at = count, i
		}
	}
	if longest*len(in.Str) > maxTokens {
		return c.fault(0, at, "a text of %d tokens in a batch of %d texts: more than %d tokens in all, each text filled up to the longest", longest, len(in.Str), maxTokens)
	}
	c.dims = append(append(c.dims[:0], in.Shape...), longest)
	if err := c.resize(c.out[0], c.dims...); err != nil {
		return err
	}
	dst := c.out[0].Str
	for i, s := range in.Str {
		row := dst[i*longest:][:0:longest]
		split.each(s, func(token string) { row = append(row, token) })
		for len(row) < longest {
			row = append(row, pad)
		}
	}
	return nil
}

// padding says how an output is filled up: as the operator makes it, or as the input that it moves has it.
func (n *node) padding() *string {
	if n.pads == nil && n.op.moves == movesFirst && n.sameSize {
		return n.in[0].pad
	}
	return n.pads
}

// blindTo says whether n makes the same of a value however far it is filled up.
func (n *node) blindTo(pad string) bool {
	return n.op.moves == movesFirst && n.sameSize || n.ignores != nil && !slices.Contains(n.ignores.counted, pad)
}
