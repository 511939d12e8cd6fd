package fhir

import (
	"math/bits"
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// scanner turns JSON text into an arena of nodes. It holds no recursion: the open containers are
// the chain of parents. Faults that leave the syntax whole are collected, a syntax error ends it.
type scanner struct {
	src      string
	pos      int
	nodes    []node
	cur      int32 // open container, -1 when none
	depth    int
	limits   Limits
	strict   bool // R4 JSON: no null, no empty value
	faults   []fault
	nullable []int32 // arrays that hold null, to be judged with their twin
	stop     *stop
}

// stop is the fault that ended the scan.
type stop struct {
	at   int // offset
	rule rule
	text string
}

// scan reads the whole input and reports whether it is one JSON value within the limits.
func (s *scanner) scan() bool {
	s.cur = -1
	s.skip()
	if !s.value(0, 0, false) {
		return false
	}
	for s.cur >= 0 {
		if !s.step() {
			return false
		}
	}
	if s.skip(); s.pos < len(s.src) {
		return s.syntax("nothing may follow the value")
	}
	return true
}

// step reads the next child of the open container, or closes it.
func (s *scanner) step() bool {
	c := s.skip()
	isObject := s.nodes[s.cur].shape == Object
	if isObject && c == '}' || !isObject && c == ']' {
		return s.close()
	}
	if len(s.nodes) != int(s.cur)+1 { // not the first child
		if c != ',' {
			return s.syntax("a comma or the end of the object or array is expected")
		}
		s.pos++
		c = s.skip()
	}
	if !isObject {
		return s.value(0, 0, false)
	}
	if c != '"' {
		return s.syntax("a member name in quotes is expected")
	}
	name := s.pos
	escaped, ok := s.str()
	if !ok {
		return false
	}
	nameEnd := s.pos
	if s.skip() != ':' {
		return s.syntax("a colon is expected")
	}
	s.pos++
	s.skip()
	return s.value(int32(name), int32(nameEnd), escaped)
}

// value reads a scalar, or opens a container. What it cannot read leaves no node.
func (s *scanner) value(name, nameEnd int32, escName bool) bool {
	if len(s.nodes) >= s.limits.Nodes {
		return s.halt(ruleSize, "there are too many values")
	}
	i := int32(len(s.nodes))
	if len(s.nodes) == cap(s.nodes) {
		s.grow()
	}
	s.nodes = append(s.nodes, node{
		name: name, nameEnd: nameEnd, escName: escName,
		start: int32(s.pos), next: i + 1, parent: s.cur,
	})
	if c := s.peek(); c == '{' || c == '[' {
		return s.open(i, c)
	}
	n := &s.nodes[i]
	if !s.scalar(n) {
		s.nodes = s.nodes[:i]
		return false
	}
	n.end = int32(s.pos)
	if s.strict {
		s.checkScalar(i)
	}
	return true
}

// grow makes room for more nodes, never for more than there can be.
func (s *scanner) grow() {
	most := 1 + strings.Count(s.src, ",") + strings.Count(s.src, "{") + strings.Count(s.src, "[")
	room := min(most, s.limits.Nodes)
	if len(s.nodes) == 0 { // text may be full of commas
		room = min(room, len(s.src)/10+16)
	} else {
		room = min(room, 4*len(s.nodes))
	}
	s.nodes = slices.Grow(s.nodes, max(room-len(s.nodes), 1))
}

// scalar reads a string, number or literal into n, the last node.
func (s *scanner) scalar(n *node) (ok bool) {
	switch c := s.peek(); {
	case c == '"':
		n.shape = String
		n.esc, ok = s.str()
		return ok
	case c == '-' || c >= '0' && c <= '9':
		n.shape = Number
		return s.number()
	case c == 't':
		n.shape = Bool
		return s.literal("true")
	case c == 'f':
		n.shape = Bool
		return s.literal("false")
	case c == 'n':
		n.shape = Null
		return s.literal("null")
	}
	return s.syntax("a value is expected")
}

// open makes node i the open container.
func (s *scanner) open(i int32, bracket byte) bool {
	if s.depth++; s.depth > s.limits.Depth {
		s.nodes = s.nodes[:i]
		return s.halt(ruleSize, "the nesting is too deep")
	}
	s.nodes[i].shape = Array
	if bracket == '{' {
		s.nodes[i].shape = Object
	}
	s.cur = i
	s.pos++
	return true
}

// close ends the open container.
func (s *scanner) close() bool {
	s.pos++
	i := s.cur
	n := &s.nodes[i]
	n.end = int32(s.pos)
	n.next = int32(len(s.nodes))
	s.cur = n.parent
	s.depth--
	s.checkContainer(i)
	return true
}

// peek returns the byte at the position, or 0 at the end.
func (s *scanner) peek() byte {
	if s.pos < len(s.src) {
		return s.src[s.pos]
	}
	return 0
}

// skip passes white space and returns the byte that follows, or 0 at the end.
func (s *scanner) skip() byte {
	for s.pos < len(s.src) {
		c := s.src[s.pos]
		if c != ' ' && c != '\n' && c != '\r' && c != '\t' {
			return c
		}
		s.pos++
	}
	return 0
}

// literal passes word.
func (s *scanner) literal(word string) bool {
	if !strings.HasPrefix(s.src[s.pos:], word) {
		return s.syntax("a value is expected")
	}
	s.pos += len(word)
	return true
}

// number passes a number and notes a fault when its exponent is absurd.
func (s *scanner) number() bool {
	if s.peek() == '-' {
		s.pos++
	}
	switch c := s.peek(); {
	case c == '0':
		s.pos++
	case !s.digits():
		return s.syntax("a digit is expected")
	}
	if s.peek() == '.' {
		if s.pos++; !s.digits() {
			return s.syntax("a digit is expected")
		}
	}
	if c := s.peek(); c != 'e' && c != 'E' {
		return true
	}
	s.pos++
	if c := s.peek(); c == '+' || c == '-' {
		s.pos++
	}
	start := s.pos
	if !s.digits() {
		return s.syntax("a digit is expected")
	}
	if len(strings.TrimLeft(s.src[start:s.pos], "0")) > maxExponentDigits {
		s.fault(int32(len(s.nodes)-1), ruleNumber)
	}
	return true
}

// digits passes digits and reports whether there was one.
func (s *scanner) digits() bool {
	start := s.pos
	for s.pos < len(s.src) && s.src[s.pos] >= '0' && s.src[s.pos] <= '9' {
		s.pos++
	}
	return s.pos > start
}

// plain returns the offset of the first byte at or behind i that is a quote, a backslash or a
// control character, eight bytes at a time.
func plain(s string, i int) int {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	for i+8 <= len(s) {
		b := s[i : i+8]
		w := uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16 | uint64(b[3])<<24 |
			uint64(b[4])<<32 | uint64(b[5])<<40 | uint64(b[6])<<48 | uint64(b[7])<<56
		q, e := w^ones*'"', w^ones*'\\'
		hit := ((q-ones)&^q | (e-ones)&^e | (w-ones*' ')&^w) & highs
		if hit != 0 {
			return i + bits.TrailingZeros64(hit)/8
		}
		i += 8
	}
	for i < len(s) && s[i] != '"' && s[i] != '\\' && s[i] >= ' ' {
		i++
	}
	return i
}

// str passes a string and reports whether it holds an escape.
func (s *scanner) str() (escaped, ok bool) {
	s.pos++
	for {
		s.pos = plain(s.src, s.pos)
		if s.pos >= len(s.src) {
			return escaped, s.syntax("a string has no end")
		}
		switch s.src[s.pos] {
		case '"':
			s.pos++
			return escaped, true
		case '\\':
			escaped = true
			width := escapeWidth(s.src[s.pos:])
			if width == 0 {
				return escaped, s.syntax("a string holds an unknown escape")
			}
			s.pos += width
		default:
			return escaped, s.syntax("a string holds a control character")
		}
	}
}

// escapeWidth returns the length of the escape that t begins with, a surrogate pair as a whole; 0
// when it is none.
func escapeWidth(t string) int {
	if len(t) < 2 {
		return 0
	}
	if t[1] != 'u' {
		if strings.IndexByte(`"\/bfnrt`, t[1]) < 0 {
			return 0
		}
		return 2
	}
	r, ok := hex4(t)
	if !ok {
		return 0
	}
	if !utf16.IsSurrogate(r) {
		return 6
	}
	low, ok := hex4(t[6:])
	if !ok || utf16.DecodeRune(r, low) == utf8.RuneError {
		return 0
	}
	return 12
}

// hex4 returns the code of a \uXXXX at the start of t.
func hex4(t string) (rune, bool) {
	if len(t) < 6 || t[0] != '\\' || t[1] != 'u' {
		return 0, false
	}
	var r rune
	for i := 2; i < 6; i++ {
		c := t[i]
		switch {
		case c >= '0' && c <= '9':
			r = r<<4 | rune(c-'0')
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			r = r<<4 | rune(c|0x20-'a'+10)
		default:
			return 0, false
		}
	}
	return r, true
}

// unescape decodes the inside of a string that the scanner accepted.
func unescape(t string) string {
	var b strings.Builder
	b.Grow(len(t))
	for {
		i := strings.IndexByte(t, '\\')
		if i < 0 {
			b.WriteString(t)
			return b.String()
		}
		b.WriteString(t[:i])
		t = t[i:]
		width := escapeWidth(t)
		switch width {
		case 0: // not possible behind the scanner
			return b.String()
		case 2:
			b.WriteByte(unescaped(t[1]))
		case 6:
			r, _ := hex4(t)
			b.WriteRune(r)
		default:
			high, _ := hex4(t)
			low, _ := hex4(t[6:])
			b.WriteRune(utf16.DecodeRune(high, low))
		}
		t = t[width:]
	}
}

// unescaped returns the byte that a one-letter escape stands for.
func unescaped(c byte) byte {
	const letters, bytes = "bfnrt", "\b\f\n\r\t"
	if i := strings.IndexByte(letters, c); i >= 0 {
		return bytes[i]
	}
	return c
}
