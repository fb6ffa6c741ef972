package api

import (
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

const maxLine = 1000

// Line makes one printable line of a text that may come from elsewhere, without secret, whoever put it there: an API could
// send it back in a reason. The secret goes first, while it is whole. GitHub's runner obeys lines that begin with "::" and
// whatever follows "##[", so no line may be opened and that sign is taken apart.
func Line(text, secret string) string {
	text = redact(text, secret)
	text = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, text)
	text = strings.ReplaceAll(text, "##[", "## [")
	if r := []rune(text); len(r) > maxLine {
		text = string(r[:maxLine]) + "…"
	}
	return text
}

// Redact takes secret out of a text that may have quoted it.
func Redact(text, secret string) string { return redact(text, secret) }

// redact takes secret out of s, as it is and as an error of the standard library may have quoted it.
func redact(s, secret string) string {
	if secret == "" {
		return s
	}
	forms := []string{secret, inside(strconv.Quote(secret)), url.QueryEscape(secret), url.PathEscape(secret)}
	if j, err := json.Marshal(secret); err == nil {
		forms = append(forms, inside(string(j)))
	}
	// The longest first: a shorter one may be a part of it and would leave the rest behind.
	slices.SortStableFunc(forms, func(a, b string) int { return len(b) - len(a) })
	var pairs []string
	for _, form := range forms {
		pairs = append(pairs, form, "***")
	}
	return strings.NewReplacer(pairs...).Replace(s)
}

func inside(quoted string) string { return quoted[1 : len(quoted)-1] }
