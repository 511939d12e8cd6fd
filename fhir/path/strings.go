package path

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"html"
	"regexp"
	"regexp/syntax"
	"strings"
	"sync/atomic"
	"unicode/utf8"
)

// texts are the functions on a single string. Each takes its string arguments first, where an empty
// one makes the result empty.
var texts = map[string]function{
	"contains":       {1, 1, onTexts(func(s string, a []string) (any, bool) { return strings.Contains(s, a[0]), true })},
	"startsWith":     {1, 1, onTexts(func(s string, a []string) (any, bool) { return strings.HasPrefix(s, a[0]), true })},
	"endsWith":       {1, 1, onTexts(func(s string, a []string) (any, bool) { return strings.HasSuffix(s, a[0]), true })},
	"indexOf":        {1, 1, onTexts(func(s string, a []string) (any, bool) { return position(s, strings.Index(s, a[0])), true })},
	"lastIndexOf":    {1, 1, onTexts(func(s string, a []string) (any, bool) { return position(s, strings.LastIndex(s, a[0])), true })},
	"upper":          {0, 0, onTexts(func(s string, _ []string) (any, bool) { return strings.ToUpper(s), true })},
	"lower":          {0, 0, onTexts(func(s string, _ []string) (any, bool) { return strings.ToLower(s), true })},
	"trim":           {0, 0, onTexts(func(s string, _ []string) (any, bool) { return strings.TrimSpace(s), true })},
	"length":         {0, 0, onTexts(func(s string, _ []string) (any, bool) { return int64(utf8.RuneCountInString(s)), true })},
	"toChars":        {0, 0, onTexts(func(s string, _ []string) (any, bool) { return cut(s, "") })},
	"split":          {1, 1, onTexts(func(s string, a []string) (any, bool) { return cut(s, a[0]) })},
	"replace":        {2, 2, onTexts(replace)},
	"matches":        {1, 1, onPattern("(?s)%s", match)},
	"matchesFull":    {1, 1, onPattern("(?s)^(?:%s)$", match)},
	"replaceMatches": {2, 2, onPattern("(?s)%s", replaceMatches)},
	"encode":         {1, 1, onTexts(recode(encoders))},
	"decode":         {1, 1, onTexts(recode(decoders))},
	"escape":         {1, 1, onTexts(recode(escapers))},
	"unescape":       {1, 1, onTexts(recode(unescapers))},
	"substring":      {1, 2, substring},
	"join":           {0, 1, join},
}

// onTexts builds a function on a single string from one on Go strings. f answers a bool, int64,
// string or []string, and false for arguments that make no sense.
func onTexts(f func(s string, args []string) (any, bool)) func(*scope, call, []Item) ([]Item, error) {
	return func(s *scope, k call, in []Item) ([]Item, error) {
		args := make([]string, len(k.args))
		for i := range k.args {
			var ok bool
			var err error
			if args[i], ok, err = s.text(k, i); err != nil || !ok {
				return nil, err
			}
		}
		subject, ok, err := k.subject(in)
		if err != nil || !ok {
			return nil, err
		}
		if err := s.spend(k.pos, len(subject)/128); err != nil {
			return nil, err
		}
		result, ok := f(subject, args)
		if !ok {
			return nil, k.fail("cannot use its argument")
		}
		return s.textResult(k, result)
	}
}

// textResult returns what a string function answered as items, bounded in size.
func (s *scope) textResult(k call, result any) ([]Item, error) {
	switch v := result.(type) {
	case []string:
		out := make([]Item, len(v))
		for i, part := range v {
			out[i] = StringItem(part)
		}
		return out, s.spend(k.pos, len(out))
	case string:
		if len(v) > maxText {
			return nil, k.fail("makes too long a text")
		}
		return []Item{StringItem(v)}, s.spend(k.pos, len(v)/64)
	}
	return []Item{{val: result}}, nil
}

// subject returns the single string that a function works on; ok is false when there is none.
func (k call) subject(in []Item) (text string, ok bool, err error) {
	if len(in) == 0 {
		return "", false, nil
	}
	text, ok = in[0].value().(string)
	if len(in) > 1 || !ok && in[0].value() != nil || in[0].value() == nil && !isPrimitive(in[0].typ) {
		return "", false, k.fail("needs a single string")
	}
	return text, ok, nil
}

// position turns an offset in bytes into one in characters.
func position(s string, at int) int64 {
	if at < 0 {
		return -1
	}
	return int64(utf8.RuneCountInString(s[:at]))
}

func cut(s, separator string) (any, bool) {
	if len(s) > maxText {
		return nil, false
	}
	return strings.Split(s, separator), true
}

func replace(s string, a []string) (any, bool) {
	if len(a[1])*(1+strings.Count(s, a[0])) > maxText {
		return nil, false
	}
	return strings.ReplaceAll(s, a[0], a[1]), true
}

// Bounds of a regular expression. It runs in the time of its size and that of its subject, and in a size
// of 60 for each character of a repeat {60}.
const (
	maxPattern     = 2000 // bytes
	maxPatternSize = 5000 // parts, repeats written out
)

// memo remembers the last pattern of a call: most are literals.
type memo struct {
	last atomic.Pointer[compiledPattern]
}

type compiledPattern struct {
	text string
	re   *regexp.Regexp
	size int
}

// pattern compiles a regular expression, or finds it compiled; nil when it is not one.
func (s *scope) pattern(k call, text string) (*compiledPattern, error) {
	if last := k.memo.last.Load(); last != nil && last.text == text {
		return last, nil
	}
	if len(text) > maxPattern {
		return nil, k.fail("has too long a pattern")
	}
	parsed, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		return nil, k.fail("cannot read its pattern")
	}
	size := sizeOf(parsed)
	if size > maxPatternSize {
		return nil, k.fail("has too large a pattern")
	}
	re, err := regexp.Compile(text)
	if err != nil {
		return nil, k.fail("cannot read its pattern")
	}
	p := &compiledPattern{text, re, size}
	k.memo.last.Store(p)
	return p, s.spend(k.pos, len(text)+size)
}

// sizeOf counts the parts of a pattern, repeats written out. A parsed one repeats no more than a thousand
// times in all.
func sizeOf(re *syntax.Regexp) int {
	n := 1
	if re.Op == syntax.OpLiteral {
		n = len(re.Rune)
	}
	for _, sub := range re.Sub {
		n += sizeOf(sub)
	}
	if re.Op == syntax.OpRepeat {
		n *= max(re.Min, re.Max, 1)
	}
	return n
}

// onPattern is onTexts for a function whose first argument is a regular expression, put in a frame.
func onPattern(frame string, f func(re *regexp.Regexp, s string, a []string) (any, bool)) func(*scope, call, []Item) ([]Item, error) {
	return func(s *scope, k call, in []Item) ([]Item, error) {
		text, ok, err := s.text(k, 0)
		if err != nil || !ok {
			return nil, err
		}
		p, err := s.pattern(k, strings.Replace(frame, "%s", text, 1))
		if err != nil {
			return nil, err
		}
		if subject, ok, _ := k.subject(in); ok { // each part may look at each character
			if err := s.spend(k.pos, len(subject)*p.size/64); err != nil {
				return nil, err
			}
		}
		return onTexts(func(s string, a []string) (any, bool) { return f(p.re, s, a) })(s, k, in)
	}
}

func match(re *regexp.Regexp, s string, _ []string) (any, bool) { return re.MatchString(s), true }

func replaceMatches(re *regexp.Regexp, s string, a []string) (any, bool) {
	if a[0] == "" {
		return s, true
	}
	if (len(s)+1)*len(a[1]) > maxText {
		return nil, false
	}
	return re.ReplaceAllString(s, a[1]), true
}

// recoder turns a text into another form, and reports false when it cannot.
type recoder func(string) (string, bool)

func recode(table map[string]recoder) func(string, []string) (any, bool) {
	return func(s string, a []string) (any, bool) {
		f, ok := table[a[0]]
		if !ok {
			return nil, false
		}
		return f(s)
	}
}

var encoders = map[string]recoder{
	"hex":       func(s string) (string, bool) { return hex.EncodeToString([]byte(s)), true },
	"base64":    func(s string) (string, bool) { return base64.StdEncoding.EncodeToString([]byte(s)), true },
	"urlbase64": func(s string) (string, bool) { return base64.URLEncoding.EncodeToString([]byte(s)), true },
}

var decoders = map[string]recoder{
	"hex":       decoder(hex.DecodeString),
	"base64":    decoder(base64.StdEncoding.DecodeString),
	"urlbase64": decoder(base64.URLEncoding.DecodeString),
}

func decoder(f func(string) ([]byte, error)) recoder {
	return func(s string) (string, bool) {
		b, err := f(s)
		return string(b), err == nil && utf8.Valid(b)
	}
}

var escapers = map[string]recoder{
	"html": func(s string) (string, bool) {
		return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;").Replace(s), true
	},
	"json": func(s string) (string, bool) {
		b := strings.Builder{}
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		err := e.Encode(s)
		quoted := strings.TrimSpace(b.String())
		return strings.TrimSuffix(strings.TrimPrefix(quoted, `"`), `"`), err == nil
	},
}

var unescapers = map[string]recoder{
	"html": func(s string) (string, bool) { return html.UnescapeString(s), true },
	"json": func(s string) (string, bool) {
		var out string
		s = strings.ReplaceAll(strings.ReplaceAll(s, `\"`, `"`), `"`, `\"`) // bare quotes are themselves
		err := json.Unmarshal([]byte(`"`+s+`"`), &out)
		return out, err == nil
	},
}

// substring counts characters; outside the text it is empty.
func substring(s *scope, k call, in []Item) ([]Item, error) {
	subject, ok, err := k.subject(in)
	if err != nil || !ok {
		return nil, err
	}
	start, ok, err := s.integer(k, 0)
	if err != nil || !ok {
		return nil, err
	}
	if err := s.spend(k.pos, len(subject)/64); err != nil {
		return nil, err
	}
	runes := []rune(subject)
	if start < 0 || start >= len(runes) {
		return nil, nil
	}
	end := len(runes)
	if len(k.args) == 2 {
		length, ok, err := s.integer(k, 1)
		if err != nil {
			return nil, err
		}
		if ok {
			end = min(end, start+max(length, 0))
		}
	}
	return []Item{StringItem(string(runes[start:end]))}, nil
}

func join(s *scope, k call, in []Item) ([]Item, error) {
	separator := ""
	if len(k.args) == 1 {
		var err error
		if separator, _, err = s.text(k, 0); err != nil {
			return nil, err
		}
	}
	if len(in) == 0 {
		return nil, nil
	}
	parts := make([]string, 0, len(in))
	size := 0
	for _, it := range in {
		text, ok := it.value().(string)
		if !ok {
			return nil, k.fail("needs strings")
		}
		if size += len(text) + len(separator); size > maxText {
			return nil, k.fail("makes too long a text")
		}
		parts = append(parts, text)
	}
	return []Item{StringItem(strings.Join(parts, separator))}, s.spend(k.pos, size/64)
}
