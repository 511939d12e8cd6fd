package main

import (
	"math"
	"strings"
	"time"
)

// row is one line of the table. Value and Unit are of rows that are no rate.
type row struct {
	ID      string  `json:"id"`
	What    string  `json:"what"`
	Value   float64 `json:"value,omitempty"`
	Unit    string  `json:"unit,omitempty"`
	Size    int     `json:"size,omitempty"` // resources of a growth row
	Ratio   float64 `json:"ratio,omitempty"`
	Ceiling string  `json:"ceiling,omitempty"`
	Goal    string  `json:"goal,omitempty"`
	Verdict string  `json:"verdict"`
	figures
}

// goal is one goal of performance.md.
type goal struct {
	id, what string // of the rows it judges; "" what: all of the id
	clients  int    // 0: any number
	ceiling  string
	text     string
	ratio    func(b *bench, r row) float64
	met      func(ratio float64) bool
	apart    bool // a line of its own below the row
}

func atLeast(n float64) func(float64) bool { return func(v float64) bool { return v >= n } }
func atMost(n float64) func(float64) bool  { return func(v float64) bool { return v > 0 && v <= n } }
func value(_ *bench, r row) float64        { return r.Value }

// c1 and c2 are the ratios that most goals stand on.
func c1(b *bench, r row) float64 {
	return r.rate() / b.ceiling(func(c ceilings) float64 { return c.HTTP })
}

func c2(b *bench, r row) float64 {
	return r.unitRate() / b.ceiling(func(c ceilings) float64 { return c.Grouped })
}

func c8(b *bench, r row) float64 {
	return r.unitRate() / 1e6 / b.ceiling(func(c ceilings) float64 { return c.Valid })
}

// one ungrouped commit, one page of bare SQL and a millisecond.
func (b *bench) patience() float64 {
	return b.ceiling(func(c ceilings) float64 { return c.Commit.Seconds() }) +
		b.ceiling(func(c ceilings) float64 { return c.Page.Seconds() }) + time.Millisecond.Seconds()
}

// goals in the order of the table.
var goals = []goal{
	{id: "W1", clients: 32, ceiling: "C1", text: "≥ 0.10 × C1", ratio: c1, met: atLeast(0.1)},
	{id: "W1", clients: 32, ceiling: "C1 CPU", text: "CPU ≤ 4 × C1 besides the log row", apart: true, met: atMost(4), ratio: func(b *bench, r row) float64 {
		return (r.cpu() - b.ceiling(func(c ceilings) float64 { return c.AuditCPU })) / b.ceiling(func(c ceilings) float64 { return c.HTTPCPU })
	}},
	{id: "W2", clients: 1, ceiling: "C3+C5+1ms", text: "p50 ≤ C3 + C5 + 1 ms", met: atMost(1), ratio: func(b *bench, r row) float64 {
		return r.P50.Seconds() / b.patience()
	}},
	{id: "W2", clients: 32, ceiling: "C1", text: "≥ 0.05 × C1", ratio: c1, met: atLeast(0.05)},
	{id: "W3", clients: 32, ceiling: "C2", text: "≥ 0.5 × C2", ratio: c2, met: atLeast(0.5)},
	{id: "W3", clients: 32, ceiling: "C3", text: "≥ 3 × C3", apart: true, met: atLeast(3), ratio: func(b *bench, r row) float64 {
		return r.rate() / b.ceiling(func(c ceilings) float64 { return c.Single })
	}},
	{id: "W4", ceiling: "C2", text: "resources ≥ 0.8 × C2", ratio: c2, met: atLeast(0.8)},
	{id: "W5", ceiling: "C2", text: "resources ≥ 0.6 × C2", ratio: c2, met: atLeast(0.6)},
	{id: "W6", ceiling: "C4", text: "≥ 0.6 × C4", met: atLeast(0.6), ratio: func(b *bench, r row) float64 {
		return r.rate() / b.ceiling(func(c ceilings) float64 { return c.Verify })
	}},
	{id: "W7", what: "parse a CarePlan of 4 kB", ceiling: "C8", text: "≥ 100 MB/s", ratio: c8},
	{id: "W7", what: "parse and validate it", ceiling: "C8", text: "≥ 30 MB/s", ratio: c8},
	{id: "W8", text: "≥ 1000 documents/s", ratio: func(_ *bench, r row) float64 { return r.rate() / 1000 }, met: atLeast(1)},
	{id: "W9", ceiling: "C2", text: "≥ 0.8 × C2", ratio: c2, met: atLeast(0.8)},
	{id: "W10", text: "≤ 2 µs", met: atMost(2), ratio: func(_ *bench, r row) float64 { return 1e6 / r.unitRate() }},
	{id: "W10", text: "≤ 1 allocation", apart: true, met: func(n float64) bool { return n <= 1 }, ratio: value},
	{id: "W11", text: "≤ 200 µs", met: atMost(200), ratio: func(_ *bench, r row) float64 { return 1e6 / r.unitRate() }},
	{id: "W12", what: "W3", clients: 32, ceiling: "C7", text: "≥ 0.6 × C7", met: atLeast(0.6), ratio: func(b *bench, r row) float64 {
		return r.unitRate() / b.ceiling(func(c ceilings) float64 { return c.Batched })
	}},
	{id: "W12", what: "W9", ceiling: "COPY", text: "≥ 0.6 × COPY", met: atLeast(0.6), ratio: func(b *bench, r row) float64 {
		return r.unitRate() / b.ceiling(func(c ceilings) float64 { return c.Copied })
	}},
	{id: "start", text: "< 0.15 s (at 100,000)", ratio: value, met: atMost(0.15)},
	{id: "memory", what: "idle after a start", text: "< 45 MB", ratio: value, met: atMost(45)},
	{id: "memory", what: "most under the load", text: "< 200 MB", ratio: value, met: atMost(200)},
	{id: "memory", what: largeBundle, text: "< 10 × its size", ratio: value, met: atMost(10)},
	{id: "at-rest", what: "bytes of a stored version, indexes included, to its JSON", text: "≤ 0.9 × JSON", ratio: value, met: atMost(0.9)},
	{id: "at-rest", what: "stored body to its JSON", text: "≤ 0.30 × JSON", ratio: value, met: atMost(0.3)},
	{id: "binary", text: "≤ 36 MB", ratio: value, met: atMost(36)},
}

// absolute are goals that stand on no ceiling, in MB/s.
var absolute = map[string]float64{"parse a CarePlan of 4 kB": 100, "parse and validate it": 30}

// The verdicts of a row. Figures of other numbers of clients than a goal names have none.
const (
	met    = "met"
	notMet = "not met"
	noGoal = "no goal"
	noTime = "not measured" // its ceiling came to nothing: the time was too short for the clock of the processes
)

func verdict(ok bool) string {
	if ok {
		return met
	}
	return notMet
}

// judge returns the ratio of a row to its ceiling, and the verdict.
func (g goal) judge(b *bench, r row) (float64, string) {
	ratio := g.ratio(b, r)
	if math.IsInf(ratio, 0) || math.IsNaN(ratio) {
		return 0, noTime
	}
	if least, ok := absolute[g.what]; ok {
		return ratio, verdict(r.unitRate()/1e6 >= least)
	}
	return ratio, verdict(g.met(ratio))
}

// judge holds every row against its goals.
func (b *bench) judge() {
	var out []row
	for _, r := range b.rows {
		r.Verdict = noGoal
		lines := []row{r}
		if r.ID == "growth" {
			lines[0] = b.judgeGrowth(r)
		}
		for _, g := range goals {
			if g.id != r.ID || !strings.HasPrefix(r.What, g.what) || g.clients != 0 && g.clients != r.Clients {
				continue
			}
			line := r
			line.Ceiling, line.Goal = g.ceiling, g.text
			line.Ratio, line.Verdict = g.judge(b, r)
			if g.apart {
				lines = append(lines, line)
				continue
			}
			lines[0] = line
		}
		out = append(out, lines...)
	}
	b.rows = out
}
