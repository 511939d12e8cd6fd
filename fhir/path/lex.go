package path

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// tokenKind is the kind of a token.
type tokenKind uint8

const (
	tokenEnd      tokenKind = iota
	tokenName               // identifier or keyword
	tokenQuoted             // `delimited identifier`
	tokenString             // 'text', decoded
	tokenNumber             // as written
	tokenDate               // @2014-01-25, without @
	tokenDateTime           // @2014-01-25T14, without @
	tokenTime               // @T14:30, without @T
	tokenVariable           // $this, without $
	tokenConstant           // %name, without %
	tokenSymbol             // operator or bracket
)

// token is one lexical unit; text is decoded.
type token struct {
	kind tokenKind
	text string
	pos  int
}

func (t token) is(symbol string) bool { return t.kind == tokenSymbol && t.text == symbol }

func (t token) isWord(word string) bool { return t.kind == tokenName && t.text == word }

// lexer cuts an expression into tokens.
type lexer struct {
	src string
	at  int
}

// lex returns all tokens of src, with a tokenEnd at the end.
func lex(src string) ([]token, error) {
	l := lexer{src: src}
	tokens := make([]token, 0, len(src)/4+2)
	for {
		if err := l.space(); err != nil {
			return nil, err
		}
		t, err := l.next()
		if err != nil {
			return nil, err
		}
		tokens = append(tokens, t)
		if t.kind == tokenEnd {
			return tokens, nil
		}
	}
}

// space skips white space and comments.
func (l *lexer) space() error {
	for l.at < len(l.src) {
		rest := l.src[l.at:]
		switch {
		case strings.IndexByte(" \t\r\n\v\f", rest[0]) >= 0:
			l.at++
		case strings.HasPrefix(rest, "\u00a0"):
			l.at += len("\u00a0")
		case strings.HasPrefix(rest, "//"):
			end := strings.IndexAny(rest, "\r\n")
			if end < 0 {
				end = len(rest)
			}
			l.at += end
		case strings.HasPrefix(rest, "/*"):
			end := strings.Index(rest[2:], "*/")
			if end < 0 {
				return &Error{Pos: l.at, Reason: "comment without end"}
			}
			l.at += end + 4
		default:
			return nil
		}
	}
	return nil
}

func (l *lexer) next() (token, error) {
	if l.at >= len(l.src) {
		return token{kind: tokenEnd, pos: l.at}, nil
	}
	pos, c := l.at, l.src[l.at]
	switch {
	case isLetter(c):
		return token{tokenName, l.run(isWordByte), pos}, nil
	case isDigit(c):
		return token{tokenNumber, l.number(), pos}, nil
	case c == '\'':
		s, err := l.quoted('\'')
		return token{tokenString, s, pos}, err
	case c == '`':
		s, err := l.quoted('`')
		return token{tokenQuoted, s, pos}, err
	case c == '@':
		return l.temporal()
	case c == '$':
		l.at++
		return token{tokenVariable, l.run(isWordByte), pos}, nil
	case c == '%':
		return l.constant()
	}
	return l.symbol()
}

// run takes bytes as long as ok says so.
func (l *lexer) run(ok func(byte) bool) string {
	start := l.at
	for l.at < len(l.src) && ok(l.src[l.at]) {
		l.at++
	}
	return l.src[start:l.at]
}

func (l *lexer) peek(n int) byte {
	if l.at+n >= len(l.src) {
		return 0
	}
	return l.src[l.at+n]
}

func (l *lexer) number() string {
	start := l.at
	l.run(isDigit)
	if l.peek(0) == '.' && isDigit(l.peek(1)) {
		l.at++
		l.run(isDigit)
	}
	return l.src[start:l.at]
}

// escapes are the one-letter escapes of strings and delimited identifiers.
const escapes, escaped = "'\"`rntf\\/", "'\"`\r\n\t\f\\/"

// quoted takes a string or identifier up to its closing quote and decodes its escapes.
func (l *lexer) quoted(quote byte) (string, error) {
	start := l.at
	var b strings.Builder
	for l.at++; l.at < len(l.src); l.at++ {
		c := l.src[l.at]
		if c == quote {
			l.at++
			return b.String(), nil
		}
		if c != '\\' {
			b.WriteByte(c)
			continue
		}
		l.at++
		if i := strings.IndexByte(escapes, l.peek(0)); i >= 0 && l.peek(0) != 0 {
			b.WriteByte(escaped[i])
			continue
		}
		r, err := l.unicode()
		if err != nil {
			return "", err
		}
		b.WriteRune(r)
	}
	return "", &Error{Pos: start, Reason: "text without closing quote"}
}

// unicode decodes uXXXX, and leaves the lexer on its last digit.
func (l *lexer) unicode() (rune, error) {
	if l.peek(0) == 'u' && l.at+5 <= len(l.src) {
		n, err := strconv.ParseUint(l.src[l.at+1:l.at+5], 16, 16)
		if err == nil {
			l.at += 4
			return rune(n), nil
		}
	}
	return utf8.RuneError, &Error{Pos: l.at, Reason: "unknown escape"}
}

// temporal takes a date, dateTime or time literal.
func (l *lexer) temporal() (token, error) {
	pos := l.at
	l.at++
	if l.peek(0) == 'T' {
		l.at++
		text := l.clock()
		return token{tokenTime, text, pos}, nil
	}
	start := l.at
	l.run(isDigit)
	for l.peek(0) == '-' && isDigit(l.peek(1)) {
		l.at++
		l.run(isDigit)
	}
	if l.peek(0) != 'T' {
		return token{tokenDate, l.src[start:l.at], pos}, nil
	}
	l.at++
	if l.clock() != "" {
		l.zone()
	}
	return token{tokenDateTime, l.src[start:l.at], pos}, nil
}

// clock takes hh:mm:ss.fff as far as it goes.
func (l *lexer) clock() string {
	start := l.at
	l.run(isDigit)
	for l.peek(0) == ':' && isDigit(l.peek(1)) {
		l.at++
		l.run(isDigit)
	}
	if l.peek(0) == '.' && isDigit(l.peek(1)) {
		l.at++
		l.run(isDigit)
	}
	return l.src[start:l.at]
}

// zone takes Z or ±hh:mm.
func (l *lexer) zone() {
	if l.peek(0) == 'Z' {
		l.at++
		return
	}
	rest := l.src[l.at:]
	if len(rest) >= 6 && (rest[0] == '+' || rest[0] == '-') && isDigit(rest[1]) && isDigit(rest[2]) &&
		rest[3] == ':' && isDigit(rest[4]) && isDigit(rest[5]) {
		l.at += 6
	}
}

// constant takes %name, %`name` or %'name'.
func (l *lexer) constant() (token, error) {
	pos := l.at
	l.at++
	var name string
	var err error
	if q := l.peek(0); q == '`' || q == '\'' {
		name, err = l.quoted(q)
	} else {
		name = l.run(isWordByte)
	}
	if err == nil && name == "" {
		err = &Error{Pos: pos, Reason: "% without a name"}
	}
	return token{tokenConstant, name, pos}, err
}

// symbols lists the operators and brackets, longest first.
var symbols = [...]string{
	"<=", ">=", "!=", "!~", "(", ")", "[", "]", "{", "}", ".", ",", "+", "-", "*", "/", "&", "|",
	"<", ">", "=", "~",
}

func (l *lexer) symbol() (token, error) {
	for _, s := range symbols {
		if strings.HasPrefix(l.src[l.at:], s) {
			l.at += len(s)
			return token{tokenSymbol, s, l.at - len(s)}, nil
		}
	}
	return token{}, &Error{Pos: l.at, Reason: "unexpected character"}
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func isLetter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' }

func isWordByte(c byte) bool { return isLetter(c) || isDigit(c) }
