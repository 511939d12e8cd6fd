package fhir

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"strings"
)

// Hash returns the SHA-256 of a canonical form of n: nodes that are Equal have the same hash, and
// other nodes have others.
func Hash(n Node) [32]byte {
	return sha256.Sum256(appendCanonical(nil, n))
}

// appendCanonical appends n with a letter for its shape, lengths instead of delimiters, members in
// the order of their names and numbers in canonical form.
func appendCanonical(b []byte, n Node) []byte {
	switch n.Shape() {
	case Object:
		members := slices.Collect(n.Children())
		slices.SortFunc(members, func(x, y Node) int { return strings.Compare(x.Name(), y.Name()) })
		b = binary.AppendUvarint(append(b, 'o'), uint64(len(members)))
		for _, m := range members {
			b = appendCounted(b, m.Name())
			b = appendCanonical(b, m)
		}
		return b
	case Array:
		b = binary.AppendUvarint(append(b, 'a'), uint64(n.Len()))
		for e := range n.Children() {
			b = appendCanonical(b, e)
		}
		return b
	case String:
		return appendCounted(append(b, 's'), n.Text())
	case Number:
		return appendCounted(append(b, 'n'), canonicalNumber(n.Raw()))
	case Bool:
		return append(b, n.Raw()[0])
	case Null:
		return append(b, 'z')
	}
	return append(b, 'm')
}

// appendCounted appends the length of s and s.
func appendCounted(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}
