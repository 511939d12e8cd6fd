package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/drieluik/drieluik/testdata"
)

// child is a stored child: its ids as the receipts of the pushes named them.
type child struct {
	n        int
	patient  string
	guardian string   // RelatedPerson of the first parent
	plans    []string // CarePlans
}

// document is a source record and the system that pushes it.
type document struct{ system, file string }

// story is what is stored of each child: the record of the child with its care team, its care plan,
// and the consent of both parents that the hospital of that team may read on.
var story = []document{
	{homecare, "boris/01-kind.json"}, {homecare, "boris/07-zorgplan-v3.json"},
	{homecare, "boris/12-toestemming.json"},
}

var transferRecord = document{hospital, "boris/11-overdracht-ziekenhuis-naar-huis.json"}

// maxChildren is how many children the test range of BSNs has room for, pushes of W5 included.
const maxChildren = 6000

// testBSN returns the n-th BSN of the test range 9999xxxxx that passes the 11-proef, beyond the last nothing:
// a child of whom none is known, as a newborn, is told apart by the local id.
func testBSN(n int) string {
	if all := testBSNs(); n < len(all) {
		return all[n]
	}
	return ""
}

var testBSNs = sync.OnceValue(func() []string {
	var out []string
	for i := range 100_000 {
		s := fmt.Sprintf("9999%05d", i)
		sum := 0
		for p := range 8 {
			sum += (9 - p) * int(s[p]-'0')
		}
		if sum%11 == int(s[8]-'0') && s != "999912185" && s != "999912999" { // those of the parents in the record
			out = append(out, s)
		}
	}
	return out
})

// about makes a sample record one of child n: BSN, local id and record id.
func about(file string, n int) ([]byte, error) {
	b, err := testdata.Records.ReadFile("mks/" + file)
	if err != nil {
		return nil, err
	}
	var doc map[string]any
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	if err := d.Decode(&doc); err != nil {
		return nil, err
	}
	kid, ok := doc["kind"].(map[string]any)
	if !ok {
		return nil, errors.New("a sample record names no child")
	}
	doc["recordId"] = fmt.Sprintf("%s-%d", doc["recordId"], n)
	kid["bsn"], kid["lokaalId"] = testBSN(n), fmt.Sprintf("%s-%d", kid["lokaalId"], n)
	if kid["bsn"] == "" {
		delete(kid, "bsn")
	}
	return json.Marshal(doc)
}

// receipt is what is looked at in the answer to a push.
type receipt struct {
	Entry []struct {
		Response struct{ Status, Location string }
	}
}

// push submits a record and returns where it wrote.
func (b *bench) push(ctx context.Context, w *worker, d document, n int) ([]string, error) {
	doc, err := about(d.file, n)
	if err != nil {
		return nil, err
	}
	token, err := b.site.token(ctx, d.system)
	if err != nil {
		return nil, err
	}
	body, err := b.site.client.call(ctx, w, request{method: "POST", path: "/fhir/$submit", token: token, media: "application/json", body: doc})
	if err != nil {
		return nil, err
	}
	return written(body)
}

// written reads a receipt: the locations of what was made or changed.
func written(body []byte) ([]string, error) {
	var r receipt
	if err := json.Unmarshal(body, &r); err != nil {
		return nil, err
	}
	var out []string
	for _, e := range r.Entry {
		if e.Response.Location != "" {
			out = append(out, e.Response.Location)
		}
	}
	if len(out) == 0 {
		return nil, errors.New("the receipt names nothing")
	}
	return out, nil
}

// fill stores children until there are so many, eight at a time.
func (b *bench) fill(ctx context.Context, children int) error {
	missing := children - len(b.children)
	if missing <= 0 {
		return nil
	}
	if b.o.Short {
		var stop context.CancelFunc
		ctx, stop = context.WithTimeout(ctx, shortFill)
		defer stop()
	}
	results := make(chan stored, missing)
	numbers := make(chan int)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			w := &worker{n: i}
			for n := range numbers {
				c, count, err := b.store(ctx, w, n)
				results <- stored{c, count, err}
			}
		})
	}
	for range missing {
		numbers <- int(b.next.Add(1)) - 1
	}
	close(numbers)
	wg.Wait()
	close(results)
	for r := range results {
		if r.err != nil && !errors.Is(r.err, context.DeadlineExceeded) {
			return fmt.Errorf("a child cannot be stored: %w", r.err)
		}
		if r.err == nil {
			b.children, b.stored = append(b.children, r.child), b.stored+r.count
		}
	}
	if len(b.children) == 0 {
		return errors.New("no child was stored in time; the machine is too busy")
	}
	return nil
}

// shortFill is how long --short stores children; what is there by then is measured.
const shortFill = 6 * time.Second

// stored is what became of one child.
type stored struct {
	child child
	count int // resources
	err   error
}

// store pushes the story of one child and counts its resources.
func (b *bench) store(ctx context.Context, w *worker, n int) (child, int, error) {
	c, distinct := child{n: n}, map[string]bool{}
	for _, d := range story {
		locations, err := b.push(ctx, w, d, n)
		if err != nil {
			return c, 0, err
		}
		for _, l := range locations {
			ref, _, _ := strings.Cut(l, "/_history/")
			kind, id, _ := strings.Cut(ref, "/")
			switch {
			case distinct[ref]:
			case kind == "Patient":
				c.patient = id
			case kind == "RelatedPerson" && c.guardian == "": // the record names the parents first
				c.guardian = id
			case kind == "CarePlan":
				c.plans = append(c.plans, id)
			}
			distinct[ref] = true
		}
	}
	if c.patient == "" || c.guardian == "" || len(c.plans) == 0 {
		return c, 0, errors.New("the story of a child has no patient, parent or plan")
	}
	return c, len(distinct), nil
}
