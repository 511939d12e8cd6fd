package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
)

// maxGrown is how many children growth stores by pushes. Beyond, the store grows by children of whom nobody
// asks: the test range of BSNs has an end.
const maxGrown = 2500

// growth measures W1, W2 and W3 at each size, against the ceilings of the same size.
func (b *bench) growth(ctx context.Context) error {
	if !b.o.Growth {
		return nil
	}
	per := max(b.stored/len(b.children), 1)
	for _, size := range b.o.Sizes {
		if err := b.fill(ctx, min(size/per, maxGrown)); err != nil {
			return err
		}
		if err := b.pad(ctx, size); err != nil {
			return err
		}
		b.say("%d children, %d resources stored", len(b.children), b.stored)
		var c ceilings
		if err := b.bareSQL(ctx, &c, size); err != nil {
			return err
		}
		note := fmt.Sprintf(", at %d resources", b.stored)
		for _, w := range workloadList {
			if w.id != "W1" && w.id != "W2" && w.id != "W3" {
				continue
			}
			if err := b.measure(ctx, w, mostClients, note); err != nil {
				return err
			}
			last := &b.rows[len(b.rows)-1]
			last.ID, last.What = "growth", w.id+" "+last.What
			last.Value = last.rate() * c.Page.Seconds() // pages that bare SQL reads in the time of one request
			if w.id == "W3" {
				last.Value = last.rate() / max(c.Grouped, 1)
			}
			last.Size = size
		}
	}
	return nil
}

// padding is how many resources one transaction of pad makes: a child, as large as those that are pushed.
const padding = 57

// pad stores further children until the store has so many resources.
func (b *bench) pad(ctx context.Context, size int) error {
	missing := int64(size-b.stored) / padding
	if missing <= 0 {
		return nil
	}
	var failure error
	var once sync.Once
	var wg sync.WaitGroup
	var made atomic.Int64
	for _, w := range workers(8) {
		wg.Go(func() {
			for made.Add(1) <= missing {
				if err := b.padOne(ctx, w); err != nil {
					once.Do(func() { failure = err })
					return
				}
				if n := made.Load(); n%500 == 0 {
					b.say("%d of %d further children", n, missing)
				}
			}
		})
	}
	wg.Wait()
	b.stored += int(missing) * padding
	return failure
}

// padOne stores one child with its plans and observations.
func (b *bench) padOne(ctx context.Context, w *worker) error {
	const id = "0d9d3a3e-6f3c-4a2b-9a55-0d9b1a6f0000"
	token, err := b.site.token(ctx, homecare)
	if err != nil {
		return err
	}
	var doc bytes.Buffer
	fmt.Fprintf(&doc, `{"resourceType":"Bundle","type":"transaction","entry":[{"fullUrl":"urn:uuid:%s","request":{"method":"POST","url":"Patient"},`+
		`"resource":{"resourceType":"Patient","birthDate":"20%02d-05-04","gender":"female"}}`, id, 12+w.rnd.IntN(12))
	for i := 1; i < padding; i++ {
		kind, body := "Observation", []byte(observation("PATIENT", w.rnd.IntN(1000), ""))
		if i%28 == 0 {
			kind, body = "CarePlan", carePlan("PATIENT", w.rnd.Uint64())
		}
		fmt.Fprintf(&doc, `,{"request":{"method":"POST","url":"%s"},"resource":%s}`, kind, bytes.ReplaceAll(body, []byte("Patient/PATIENT"), []byte("urn:uuid:"+id)))
	}
	doc.WriteString("]}")
	body, err := b.site.client.call(ctx, w, request{method: http.MethodPost, path: "/fhir", token: token, media: fhirMedia, body: doc.Bytes()})
	if n := bytes.Count(body, []byte(`"status":"201`)); err == nil && n != padding {
		err = fmt.Errorf("a transaction wrote %d of %d", n, padding)
	}
	return err
}

// judgeGrowth compares the ratio at one size with that at the smallest.
func (b *bench) judgeGrowth(r row) row {
	r.Ceiling = "C5"
	if strings.HasPrefix(r.What, "W3") {
		r.Ceiling = "C2"
	}
	r.Ratio = r.Value
	if r.Size == b.o.Sizes[0] {
		r.Goal, r.Verdict = "the size that others are compared with", noGoal
		return r
	}
	for _, first := range b.rows {
		if first.ID == "growth" && first.Size == b.o.Sizes[0] && sameWorkload(first.What, r.What) {
			r.Goal = fmt.Sprintf("≤ 1.3 × worse than %.3f", first.Value)
			r.Verdict = verdict(first.Value <= 1.3*r.Value)
		}
	}
	return r
}

// sameWorkload compares the names of growth rows without the size at their end.
func sameWorkload(a, b string) bool {
	a, _, _ = strings.Cut(a, ", at ")
	b, _, _ = strings.Cut(b, ", at ")
	return a == b
}
