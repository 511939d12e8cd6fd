package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

// worker is one closed-loop client: it asks, waits for the whole answer and asks again.
type worker struct {
	n     int
	rnd   *rand.Rand
	buf   []byte        // for answers
	every time.Duration // from one request to the next at least; 0: at once
	next  time.Time     // not before then
}

// wait waits until it is the worker's turn; false when the work ends before. Who is late asks at once, and does
// not make up for what it left out.
func (w *worker) wait(ctx context.Context, until time.Time) bool {
	if w.every == 0 {
		return true
	}
	if now := time.Now(); w.next.Before(now) {
		w.next = now
	}
	if w.next.After(until) {
		return false
	}
	select {
	case <-ctx.Done():
		return false
	case <-time.After(time.Until(w.next)):
	}
	w.next = w.next.Add(w.every)
	return true
}

// job does one piece of work and returns how many units it was, such as resources. An error is a
// wrong answer; it counts nothing.
type job func(ctx context.Context, w *worker) (units int, err error)

// figures are what was measured of one workload.
type figures struct {
	Clients int           `json:"clients"`
	Count   int           `json:"requests"`
	Units   int           `json:"units"`
	Failed  int           `json:"failed"`
	Took    time.Duration `json:"nanoseconds"`
	P50     time.Duration `json:"p50"`
	P99     time.Duration `json:"p99"`
	CPU     time.Duration `json:"cpu"` // of the server process, all requests together
	First   string        `json:"firstFault,omitempty"`
}

// rate is requests per second.
func (f figures) rate() float64 { return perSecond(f.Count, f.Took) }

// unitRate is units per second.
func (f figures) unitRate() float64 { return perSecond(f.Units, f.Took) }

func perSecond(n int, took time.Duration) float64 {
	if took <= 0 {
		return 0
	}
	return float64(n) / took.Seconds()
}

// cpu is microseconds of the server's processors per request.
func (f figures) cpu() float64 {
	if f.Count == 0 {
		return 0
	}
	return float64(f.CPU.Microseconds()) / float64(f.Count)
}

// drive runs a job with so many clients for so long, after a tenth of it uncounted. pid is the
// process whose processor time is counted; 0 counts none.
func drive(ctx context.Context, clients int, long time.Duration, pid int, do job) figures {
	ctx, cancel := context.WithTimeout(ctx, long+long/10+30*time.Second)
	defer cancel()
	all := workers(clients)
	together(ctx, all, time.Now().Add(long/10), do)
	return counted(ctx, all, long, pid, do)
}

// paced is drive without a part that is uncounted, each client asking every so often.
func paced(ctx context.Context, clients int, long, every time.Duration, pid int, do job) figures {
	ctx, cancel := context.WithTimeout(ctx, long+30*time.Second)
	defer cancel()
	all := workers(clients)
	for i, w := range all {
		w.every, w.next = every, time.Now().Add(every*time.Duration(i)/time.Duration(clients))
	}
	return counted(ctx, all, long, pid, do)
}

func workers(n int) []*worker {
	out := make([]*worker, n)
	for i := range out {
		out[i] = &worker{n: i, rnd: rand.New(rand.NewPCG(uint64(i), uint64(time.Now().UnixNano()))), buf: make([]byte, 0, 64<<10)}
	}
	return out
}

// counted lets the workers go on for so long, and counts.
func counted(ctx context.Context, workers []*worker, long time.Duration, pid int, do job) figures {
	before, start := cpuOf(pid), time.Now()
	tallies := together(ctx, workers, start.Add(long), do)
	out := figures{Clients: len(workers), Took: time.Since(start), CPU: cpuOf(pid) - before}
	var times []time.Duration
	for _, t := range tallies {
		out.Units, out.Failed = out.Units+t.units, out.Failed+t.failed
		times = append(times, t.times...)
		if out.First == "" && t.first != nil {
			out.First = t.first.Error()
		}
	}
	out.Count = len(times)
	slices.Sort(times)
	out.P50, out.P99 = quantile(times, 0.5), quantile(times, 0.99)
	return out
}

// tally is what one worker counted.
type tally struct {
	times         []time.Duration
	units, failed int
	first         error
}

// maxFailures ends a worker whose answers are wrong: its figures would say nothing.
const maxFailures = 20

// together lets every worker go on until the deadline.
func together(ctx context.Context, workers []*worker, until time.Time, do job) []tally {
	out := make([]tally, len(workers))
	var wg sync.WaitGroup
	for i, w := range workers {
		wg.Go(func() {
			t := &out[i]
			for ctx.Err() == nil && t.failed < maxFailures && w.wait(ctx, until) {
				start := time.Now()
				if !start.Before(until) {
					return
				}
				units, err := do(ctx, w)
				if err == errDone {
					return
				}
				if err != nil {
					t.failed++
					if t.first == nil {
						t.first = err
					}
					continue
				}
				t.times = append(t.times, time.Since(start))
				t.units += units
			}
		})
	}
	wg.Wait()
	return out
}

// errDone says that a job has nothing left to do; it is no fault.
var errDone = fmt.Errorf("nothing left to do")

func quantile(sorted []time.Duration, q float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)]
}
