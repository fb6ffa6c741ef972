package scan

// space gives the index of the first byte from i on that is not white space.
func space(buf []byte, i int) int {
	for i < len(buf) && (buf[i] == ' ' || buf[i] == '\n' || buf[i] == '\t' || buf[i] == '\r') {
		i++
	}
	return i
}

// skipValue checks the value that starts at i and gives the index behind it. depth is how many lists and
// objects are open around it.
func skipValue(buf []byte, i, depth int) (int, error) {
	if i >= len(buf) {
		return i, unexpected(buf, i, "a value")
	}
	switch c := buf[i]; {
	case c == '"':
		end, _, err := skipString(buf, i)
		return end, err
	case c == '-' || c >= '0' && c <= '9':
		return skipNumber(buf, i)
	case c == '[':
		if depth >= MaxDepth {
			return i, ErrDeep
		}
		return skipList(buf, i, depth+1)
	case c == '{':
		if depth >= MaxDepth {
			return i, ErrDeep
		}
		return skipObject(buf, i, depth+1)
	case c == 't':
		return skipWord(buf, i, "true")
	case c == 'f':
		return skipWord(buf, i, "false")
	case c == 'n':
		return skipWord(buf, i, "null")
	case c == 'N' || c == 'I':
		return i, unexpected(buf, i, wantNull)
	}
	return i, unexpected(buf, i, "a value")
}

const wantNull = "a value; NaN and Infinity are not JSON, write null for a missing value"

func skipWord(buf []byte, i int, word string) (int, error) {
	for k := range len(word) {
		if i+k >= len(buf) || buf[i+k] != word[k] {
			return i + k, unexpected(buf, i+k, word)
		}
	}
	return i + len(word), nil
}

func skipList(buf []byte, i, depth int) (int, error) {
	i = space(buf, i+1)
	if i < len(buf) && buf[i] == ']' {
		return i + 1, nil
	}
	for {
		var err error
		if i, err = skipValue(buf, space(buf, i), depth); err != nil {
			return i, err
		}
		i = space(buf, i)
		switch {
		case i < len(buf) && buf[i] == ',':
			i++
		case i < len(buf) && buf[i] == ']':
			return i + 1, nil
		default:
			return i, unexpected(buf, i, "',' or ']'")
		}
	}
}

func skipObject(buf []byte, i, depth int) (int, error) {
	i = space(buf, i+1)
	if i < len(buf) && buf[i] == '}' {
		return i + 1, nil
	}
	for {
		var err error
		if i, err = skipName(buf, i); err != nil {
			return i, err
		}
		if i, err = skipValue(buf, space(buf, i), depth); err != nil {
			return i, err
		}
		i = space(buf, i)
		switch {
		case i < len(buf) && buf[i] == ',':
			i++
		case i < len(buf) && buf[i] == '}':
			return i + 1, nil
		default:
			return i, unexpected(buf, i, "',' or '}'")
		}
	}
}

// skipName checks a member's name and its colon and gives the index behind the colon.
func skipName(buf []byte, i int) (int, error) {
	i = space(buf, i)
	if i >= len(buf) || buf[i] != '"' {
		return i, unexpected(buf, i, "a name in quotes")
	}
	i, _, err := skipString(buf, i)
	if err != nil {
		return i, err
	}
	if i = space(buf, i); i >= len(buf) || buf[i] != ':' {
		return i, unexpected(buf, i, "':'")
	}
	return i + 1, nil
}
