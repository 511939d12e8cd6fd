package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"text/tabwriter"
	"time"
)

// soakLoad is how much of the capacity a soak uses.
const soakLoad = 0.7

// blend is what a soak asks: of a hundred requests so many of each workload.
var blend = []struct {
	id      string
	share   int
	prepare func(*bench, context.Context) (job, error)
}{
	{"W1", 50, (*bench).reading}, {"W2", 15, (*bench).parentSearch}, {"W2", 15, (*bench).consentSearch},
	{"W3", 10, (*bench).creating}, {"W4", 5, (*bench).transacting}, {"W5", 5, (*bench).submitting},
}

// soaked is what a soak found.
type soaked struct {
	Capacity float64  `json:"capacityRequestsPerSecond"` // of the blend, closed loop, before
	Wanted   float64  `json:"wantedRequestsPerSecond"`
	Minutes  []minute `json:"minutes"`
}

// minute is one minute of a soak.
type minute struct {
	Load   string `json:"loadAverage"`
	Memory int64  `json:"rssBytes"` // of the server, at its end
	figures
}

// soak loads the server with all workloads at once, at a part of what it can do, and looks at it every minute:
// whether it grows, fails or gets slower. Half of the children are read, the others are written.
func (b *bench) soak(ctx context.Context) error {
	do, err := b.blended(ctx)
	if err != nil {
		return err
	}
	b.say("measuring the capacity of the blend")
	full := drive(ctx, mostClients, min(b.o.Soak, time.Minute), b.site.pid(), do)
	if full.Count == 0 {
		return fmt.Errorf("the blend has no answer, such as: %s", full.First)
	}
	b.soaking = &soaked{Capacity: full.rate(), Wanted: soakLoad * full.rate()}
	every := time.Duration(float64(mostClients) / b.soaking.Wanted * float64(time.Second))
	b.say("%.0f requests/s; %s at %.0f", full.rate(), b.o.Soak, b.soaking.Wanted)
	for left := b.o.Soak; left > 0 && ctx.Err() == nil; left -= time.Minute {
		if err := b.renew(ctx); err != nil {
			return err
		}
		name := fmt.Sprintf("soak-%02d", len(b.soaking.Minutes)+1)
		profiled := b.profile(ctx, name, mostClients)
		m := minute{figures: paced(ctx, mostClients, min(left, time.Minute), every, b.site.pid(), do), Load: loadAverage(), Memory: memoryOf(b.site.pid(), "VmRSS")}
		if err := errors.Join(<-profiled, b.heap(ctx, name)); err != nil {
			return err
		}
		b.soaking.Minutes = append(b.soaking.Minutes, m)
		b.say("minute %d: %.0f requests/s, p50 %s, p99 %s, %d wrong, %d MB %s", len(b.soaking.Minutes), m.rate(), short(m.P50), short(m.P99), m.Failed, m.Memory>>20, m.First)
	}
	return ctx.Err()
}

// blended draws a workload for each request.
func (b *bench) blended(ctx context.Context) (job, error) {
	var jobs []job // a hundred
	for _, part := range blend {
		do, err := part.prepare(b, ctx)
		if err != nil {
			return nil, fmt.Errorf("%s cannot be prepared: %w", part.id, err)
		}
		for range part.share {
			jobs = append(jobs, do)
		}
	}
	return func(ctx context.Context, w *worker) (int, error) { return jobs[w.rnd.IntN(len(jobs))](ctx, w) }, nil
}

// readers are the children whom reading workloads ask for. In a soak nobody writes about them: there a search is held
// to what it found at first.
func (b *bench) readers() []child {
	if b.o.Soak == 0 {
		return b.children
	}
	return b.children[:(len(b.children)+1)/2]
}

// writers returns who draws the patient of a write: one of those who are stored. In a soak that is the other half and
// whoever was pushed since, so that the store grows by children and not a few children without end.
func (b *bench) writers() func(*rand.Rand) string {
	if b.o.Soak == 0 {
		return func(rnd *rand.Rand) string { return b.children[rnd.IntN(len(b.children))].patient }
	}
	b.pushed.add(patients(b.children[len(b.children)/2:])...)
	return b.pushed.draw
}

// patients are those of children.
func patients(children []child) []string {
	out := make([]string, len(children))
	for i, c := range children {
		out[i] = c.patient
	}
	return out
}

// pool is patients to draw from, of many goroutines.
type pool struct {
	mu   sync.Mutex
	all  []string
	seen map[string]bool
}

func (p *pool) add(patients ...string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.seen == nil {
		p.seen = map[string]bool{}
	}
	for _, id := range patients {
		if !p.seen[id] {
			p.seen[id], p.all = true, append(p.all, id)
		}
	}
}

func (p *pool) draw(rnd *rand.Rand) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.all[rnd.IntN(len(p.all))]
}

// print writes the minutes.
func (s *soaked) print(out io.Writer) error {
	fmt.Fprintf(out, "\nsoak: W1 to W5 mixed, %.0f requests/s wanted, 0.7 of %.0f\n", s.Wanted, s.Capacity)
	t := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(t, "MINUTE\tREQUESTS/S\tWRONG\tP50\tP99\tCPU µs\tMEMORY\tLOAD")
	for i, m := range s.Minutes {
		fmt.Fprintf(t, "%d\t%.0f\t%d\t%s\t%s\t%.0f\t%d MB\t%s\n", i+1, m.rate(), m.Failed, short(m.P50), short(m.P99), m.cpu(), m.Memory>>20, m.Load)
	}
	return t.Flush()
}
