package search

import (
	"strings"
	"sync"
	"unicode"
)

// accented lists the letters that fold to a base, in small form.
var accented = map[string]string{
	"a":  "àáâãäåāăąǎǟǡǻȁȃȧạảấầẩẫậắằẳẵặ",
	"ae": "æǣǽ",
	"b":  "ḃḅḇ",
	"c":  "çćĉċč",
	"d":  "ďđðḋḍḏ",
	"e":  "èéêëēĕėęěȅȇȩẹẻẽếềểễệ",
	"f":  "ḟ",
	"g":  "ĝğġģǧǵ",
	"h":  "ĥħȟḣḥḧ",
	"i":  "ìíîïĩīĭįıǐȉȋỉị",
	"j":  "ĵǰ",
	"k":  "ķǩḱḳḵ",
	"l":  "ĺļľŀłḷḹ",
	"m":  "ḿṁṃ",
	"n":  "ñńņňǹṅṇ",
	"o":  "òóôõöøōŏőǒǫȍȏȯọỏốồổỗộớờởỡợơ",
	"oe": "œ",
	"p":  "ṕṗ",
	"r":  "ŕŗřȑȓṙṛ",
	"s":  "śŝşšșṡṣſ",
	"ss": "ß",
	"t":  "ţťŧțṫṭ",
	"th": "þ",
	"u":  "ùúûüũūŭůűųǔǖǘǚǜȕȗụủứừửữựư",
	"v":  "ṽṿ",
	"w":  "ŵẁẃẅẇẉ",
	"x":  "ẋẍ",
	"y":  "ýÿŷȳẏỳỵỷỹ",
	"z":  "źżžẑẓẕ",
}

// folds maps each accented letter to its base.
var folds = sync.OnceValue(func() map[rune]string {
	m := map[rune]string{}
	for base, letters := range accented {
		for _, r := range letters {
			m[r] = base
		}
	}
	return m
})

// Normalize returns the form of a text by which strings are found: small letters without accents,
// runs of white space as one space.
func Normalize(s string) string {
	var b strings.Builder
	b.Grow(len(s))
	space := false
	for _, r := range s {
		if unicode.IsSpace(r) {
			space = b.Len() > 0
			continue
		}
		if r >= 0x300 && unicode.Is(unicode.Mn, r) {
			continue
		}
		if space {
			b.WriteByte(' ')
			space = false
		}
		r = unicode.ToLower(r)
		if r < 0x80 {
			b.WriteByte(byte(r))
		} else if base, ok := folds()[r]; ok {
			b.WriteString(base)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}
