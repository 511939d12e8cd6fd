package main

import (
	"context"
	"fmt"
	"strings"
)

// growth measures W1, W2 and W3 at each size, against the ceilings of the same size.
func (b *bench) growth(ctx context.Context) error {
	if !b.o.Growth {
		return nil
	}
	per := max(b.stored/len(b.children), 1)
	for _, size := range b.o.Sizes {
		if err := b.fill(ctx, min(size/per, maxChildren)); err != nil {
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
