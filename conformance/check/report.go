package check

import (
	"fmt"
	"io"
	"sync"
	"text/tabwriter"
	"time"
)

// Status is what came of a rule.
type Status string

// What can come of a rule.
const (
	Passed  Status = "passed"
	Failed  Status = "failed"
	Skipped Status = "skipped"
)

// Report is the outcome of a run.
type Report struct {
	URL      string        `json:"url"`
	Requests int           `json:"requests"`
	Took     time.Duration `json:"tookNanoseconds"`
	Rules    []Outcome     `json:"rules"`
	Notes    []string      `json:"notes,omitempty"` // what the run left on the server
}

// Outcome is what came of one rule.
type Outcome struct {
	ID     string  `json:"id"`
	Title  string  `json:"title"`
	Status Status  `json:"status"`
	Probes int     `json:"probes"`           // questions that were asked for it
	Why    string  `json:"why,omitempty"`    // of a skipped rule
	Faults []Fault `json:"faults,omitempty"` // of a failed rule, at most 20
	More   int     `json:"more,omitempty"`   // further faults
	Todo   string  `json:"todo,omitempty"`   // of a failed rule
}

// Fault is one broken promise: the request and a sentence.
type Fault struct {
	Request string `json:"request"`
	Text    string `json:"text"`
}

// Failures counts the failed rules.
func (r Report) Failures() int {
	n := 0
	for _, o := range r.Rules {
		if o.Status == Failed {
			n++
		}
	}
	return n
}

// maxFaults bounds how many faults of one rule are kept; maxShown how many are printed.
const (
	maxFaults = 20
	maxShown  = 5
)

// ledger gathers outcomes; its methods may be called from several goroutines.
type ledger struct {
	mu       sync.Mutex
	outcomes map[string]*Outcome
	notes    []string
}

func newLedger() *ledger {
	l := &ledger{outcomes: map[string]*Outcome{}}
	for _, r := range rules {
		l.outcomes[r.id] = &Outcome{ID: r.id, Title: r.title, Status: Skipped, Why: "nothing there to ask it of"}
	}
	return l
}

// pass counts a kept promise.
func (l *ledger) pass(id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	o := l.outcomes[id]
	o.Probes++
	if o.Status == Skipped {
		o.Status, o.Why = Passed, ""
	}
}

// fail counts a broken promise.
func (l *ledger) fail(id, request, format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	o := l.outcomes[id]
	o.Probes++
	o.Status, o.Why = Failed, ""
	if len(o.Faults) >= maxFaults {
		o.More++
		return
	}
	o.Faults = append(o.Faults, Fault{Request: request, Text: fmt.Sprintf(format, args...)})
}

// judge counts a promise as kept or broken.
func (l *ledger) judge(id string, kept bool, request, format string, args ...any) bool {
	if kept {
		l.pass(id)
		return true
	}
	l.fail(id, request, format, args...)
	return false
}

// skip leaves a rule out, unless it was asked already.
func (l *ledger) skip(id, why string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if o := l.outcomes[id]; o.Status == Skipped {
		o.Why = why
	}
}

// note tells the operator something that is no fault.
func (l *ledger) note(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.notes = append(l.notes, fmt.Sprintf(format, args...))
}

func (l *ledger) report(base string, requests int, took time.Duration) Report {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := Report{URL: base, Requests: requests, Took: took, Notes: l.notes}
	for _, r := range rules {
		o := *l.outcomes[r.id]
		if o.Status == Failed {
			o.Todo = r.todo
		}
		out.Rules = append(out.Rules, o)
	}
	return out
}

// Print writes the report as a table, then each failure with what to do.
func (r Report) Print(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintln(t, "RULE\tRESULT\tASKED\tWHAT")
	counts := map[Status]int{}
	for _, o := range r.Rules {
		counts[o.Status]++
		what := o.Title
		if o.Status == Skipped {
			what += " (not asked: " + o.Why + ")"
		}
		fmt.Fprintf(t, "%s\t%s\t%d\t%s\n", o.ID, o.Status, o.Probes, what)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, o := range r.Rules {
		if o.Status == Failed {
			o.print(w)
		}
	}
	for _, n := range r.Notes {
		fmt.Fprintf(w, "\nNote: %s\n", n)
	}
	_, err := fmt.Fprintf(w, "\n%s: %d passed, %d failed, %d not asked; %d requests in %s\n",
		r.URL, counts[Passed], counts[Failed], counts[Skipped], r.Requests, r.Took.Round(time.Millisecond))
	return err
}

func (o Outcome) print(w io.Writer) {
	fmt.Fprintf(w, "\n%s: not so: %s\n", o.ID, o.Title)
	for i, f := range o.Faults {
		if i == maxShown {
			break
		}
		fmt.Fprintf(w, "  %s: %s\n", f.Request, f.Text)
	}
	if more := len(o.Faults) - maxShown + o.More; more > 0 {
		fmt.Fprintf(w, "  and %d more\n", more)
	}
	fmt.Fprintf(w, "  To do: %s\n", o.Todo)
}
