package store

import (
	"encoding/binary"
	"hash/crc32"
	"math"
	"time"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/search"
)

// decodeFacts reads what encodeFacts wrote. All texts share one allocation.
func decodeFacts(b []byte) (auth.ResourceFacts, error) {
	var f auth.ResourceFacts
	content, err := soundFacts(b)
	if err != nil {
		return f, err
	}
	d := factsDecoder{s: string(content)}
	f.Patients = d.refs()
	if who := d.refs(); len(who) == 2 {
		f.Custodian, f.Author = who[0], who[1]
	}
	f.When = d.time()
	f.Status = d.text()
	f.Domains = list(&d, d.text)
	f.Labels = list(&d, func() auth.Label {
		return auth.Label{Coding: auth.Coding{System: d.text(), Code: d.text()}, Barred: d.refs()}
	})
	f.Source = d.text()
	f.Codings = list(&d, func() auth.Coding { return auth.Coding{System: d.text(), Code: d.text()} })
	f.Refs = d.refs()
	f.Parties = d.refs()
	f.By = d.refs()
	if parties := d.refs(); len(parties) == 2 {
		f.Owner, f.Requester = parties[0], parties[1]
	}
	f.Doers, f.Up, f.Down = d.refs(), d.refs(), d.refs()
	f.Consent = d.consent()
	flags := d.uint()
	f.Rights, f.Signed = flags&1 != 0, flags&2 != 0
	f.Rest = d.text()
	f.Granular = list(&d, d.row)
	if d.bad || d.at != len(d.s) {
		return auth.ResourceFacts{}, errFacts
	}
	return f, nil
}

// soundFacts returns what stands behind the head of encoded facts.
func soundFacts(b []byte) ([]byte, error) {
	switch {
	case len(b) > 0 && b[0] == factsFormatFirst:
		return b[1:], nil
	case len(b) < factsHead || b[0] != factsFormat,
		binary.LittleEndian.Uint32(b[1:factsHead]) != crc32.Checksum(b[factsHead:], castagnoli):
		return nil, errFacts
	}
	return b[factsHead:], nil
}

type factsDecoder struct {
	s    string
	at   int
	seen []string
	bad  bool
}

func (d *factsDecoder) consent() *auth.ConsentFacts {
	if d.uint() == 0 {
		return nil
	}
	c := &auth.ConsentFacts{Holders: d.refs()}
	flags := d.uint()
	c.OpenPermit, c.Device, c.Permits, c.Other, c.Block = flags&1 != 0, flags&2 != 0, flags&4 != 0, flags&8 != 0, flags&16 != 0
	c.Permitted = d.refs()
	if member := d.refs(); len(member) == 1 {
		c.Member = member[0]
	}
	if c.Block {
		c.Blocked = d.refs()
	}
	return c
}

// uint reads a number; after damage it answers 0.
func (d *factsDecoder) uint() uint64 {
	var n uint64
	for shift := 0; d.at < len(d.s) && shift < 64; shift += 7 {
		c := d.s[d.at]
		d.at++
		n |= uint64(c&0x7f) << shift
		if c < 0x80 {
			return n
		}
	}
	d.bad = true
	return 0
}

func (d *factsDecoder) int() int64 {
	n := d.uint()
	return int64(n>>1) ^ -int64(n&1)
}

// count reads the length of a list, of which every element takes at least one byte.
func (d *factsDecoder) count() int {
	n := d.uint()
	if n > uint64(len(d.s)-d.at) {
		d.bad = true
		return 0
	}
	return int(n)
}

func (d *factsDecoder) text() string {
	n := d.uint()
	i := n >> 2
	switch {
	case n&3 == 1 && i < uint64(len(known)):
		return known[i]
	case n&3 == 2 && i < uint64(len(d.seen)):
		return d.seen[i]
	case n&3 == 0 && i <= uint64(len(d.s)-d.at):
		s := d.s[d.at : d.at+int(i)]
		d.at += int(i)
		if s != "" {
			d.seen = append(d.seen, s)
		}
		return s
	}
	d.bad = true
	return ""
}

func list[T any](d *factsDecoder, read func() T) []T {
	n := d.count()
	if n == 0 {
		return nil
	}
	v := make([]T, n)
	for i := range v {
		v[i] = read()
	}
	return v
}

func (d *factsDecoder) refs() []fhir.Ref {
	n := d.count()
	if n == 0 {
		return nil
	}
	v := make([]fhir.Ref, n)
	for i := range v {
		v[i] = fhir.Ref{Type: fhir.Type(d.text()), ID: d.text(), Version: int(d.uint())}
	}
	return v
}

func (d *factsDecoder) time() time.Time {
	if d.uint() == 0 {
		return time.Time{}
	}
	sec := d.int()
	return time.Unix(sec, int64(d.uint())).UTC()
}

func (d *factsDecoder) row() search.Row {
	r := search.Row{Param: d.text(), Kind: search.Kind(d.uint()), System: d.text(), Value: d.text(),
		Text: d.text(), Group: int32(uint32(d.uint()))}
	if d.uint() == 0 {
		return r
	}
	if len(d.s)-d.at < 16 {
		d.bad = true
		return r
	}
	r.Low, r.High = d.float(), d.float()
	return r
}

func (d *factsDecoder) float() float64 {
	n := binary.LittleEndian.Uint64([]byte(d.s[d.at : d.at+8]))
	d.at += 8
	return math.Float64frombits(n)
}
