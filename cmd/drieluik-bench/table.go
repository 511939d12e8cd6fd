package main

import (
	"fmt"
	"io"
	"runtime"
	"text/tabwriter"
	"time"
)

// result is what --json writes.
type result struct {
	Processors int        `json:"processors"`
	Load       string     `json:"loadAverageBefore"`
	Children   int        `json:"children"`
	Resources  int        `json:"resources"`
	Seconds    float64    `json:"secondsPerFigure"`
	Ceilings   []ceilings `json:"ceilings"`
	DriftHTTP  float64    `json:"driftOfC1"`
	DriftSQL   float64    `json:"driftOfC2"`
	Rows       []row      `json:"rows"`
	Soak       *soaked    `json:"soak,omitempty"`
}

func (b *bench) report() result {
	return result{
		Processors: runtime.NumCPU(), Load: b.load, Children: len(b.children), Resources: b.stored, Seconds: b.o.Seconds, Ceilings: b.limits,
		DriftHTTP: b.drift(func(c ceilings) float64 { return c.HTTP }), DriftSQL: b.drift(func(c ceilings) float64 { return c.Grouped }), Rows: b.rows, Soak: b.soaking,
	}
}

// print writes the table: the machine, the ceilings, then the workloads.
func (b *bench) print(out io.Writer) error {
	r := b.report()
	fmt.Fprintf(out, "%d processors, load average %s before and %s after; %d children, %d resources; %.1f s for each figure\n",
		r.Processors, r.Load, loadAverage(), r.Children, r.Resources, r.Seconds)
	fmt.Fprintf(out, "between the first and the last measurement C1 moved by %.0f %%, C2 by %.0f %%\n\n", 100*r.DriftHTTP, 100*r.DriftSQL)
	t := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(t, "WORKLOAD\tCLIENTS\tREQUESTS/S\tUNITS/S\tP50\tP99\tCPU µs\tRATIO\tCEILING\tGOAL\t")
	for _, l := range b.ceilingLines() {
		fmt.Fprintln(t, l)
	}
	for _, r := range b.rows {
		fmt.Fprintln(t, r.line())
	}
	if err := t.Flush(); err != nil || b.soaking == nil {
		return err
	}
	return b.soaking.print(out)
}

// ceilingLines are the rows of the ceilings, means of what was measured.
func (b *bench) ceilingLines() []string {
	mean := b.ceiling
	return []string{
		fmt.Sprintf("C1 bare net/http, 3.9 kB\t%d\t%.0f\t\t\t\t%.0f\t\t\t\tceiling", mostClients,
			mean(func(c ceilings) float64 { return c.HTTP }), mean(func(c ceilings) float64 { return c.HTTPCPU })),
		fmt.Sprintf("C2 bare SQLite, 32 units in a commit\t\t\t%.0f\t\t\t\t\t\t\tceiling", mean(func(c ceilings) float64 { return c.Grouped })),
		fmt.Sprintf("C3 bare SQLite, one unit in a commit\t1\t%.0f\t\t%s\t\t\t\t\t\tceiling", mean(func(c ceilings) float64 { return c.Single }),
			short(time.Duration(mean(func(c ceilings) float64 { return float64(c.Commit) })))),
		fmt.Sprintf("C4 ES384 verify, all processors\t\t%.0f\t\t\t\t\t\t\t\tceiling", mean(func(c ceilings) float64 { return c.Verify })),
		fmt.Sprintf("C5 bare SQL, one page of 20\t1\t\t\t%s\t\t\t\t\t\tceiling", short(time.Duration(mean(func(c ceilings) float64 { return float64(c.Page) })))),
		fmt.Sprintf("C6 append 4 kB and sync\t1\t%.0f\t\t\t\t\t\t\t\tceiling", mean(func(c ceilings) float64 { return c.Append })),
		fmt.Sprintf("C7 bare PostgreSQL, pgx.Batch on %d connections\t\t\t%.0f\t\t\t\t\t\t\tceiling", bareConnections, mean(func(c ceilings) float64 { return c.Batched })),
		fmt.Sprintf("bare PostgreSQL by COPY, 32 units in a commit\t\t\t%.0f\t\t\t\t\t\t\tceiling", mean(func(c ceilings) float64 { return c.Copied })),
		fmt.Sprintf("C8 json.Valid, MB/s\t1\t\t%.0f\t\t\t\t\t\t\tceiling", mean(func(c ceilings) float64 { return c.Valid })),
		fmt.Sprintf("bare row of the log in a shared commit\t\t\t\t\t\t%.0f\t\t\t\tceiling", mean(func(c ceilings) float64 { return c.AuditCPU })),
	}
}

// line is one row of the table.
func (r row) line() string {
	if r.Unit != "" {
		return fmt.Sprintf("%s %s\t\t\t\t\t\t\t%.2f %s\t\t%s\t%s", r.ID, r.What, r.Value, r.Unit, r.Goal, r.Verdict)
	}
	units := ""
	switch {
	case r.ID == "W7":
		units = fmt.Sprintf("%.0f MB", r.unitRate()/1e6)
	case r.Units != r.Count:
		units = fmt.Sprintf("%.0f", r.unitRate())
	}
	ratio := ""
	if r.Ratio != 0 {
		ratio = fmt.Sprintf("%.3f", r.Ratio)
	}
	return fmt.Sprintf("%s %s\t%d\t%.0f\t%s\t%s\t%s\t%.0f\t%s\t%s\t%s\t%s",
		r.ID, r.What, r.Clients, r.rate(), units, short(r.P50), short(r.P99), r.cpu(), ratio, r.Ceiling, r.Goal, r.Verdict)
}

// short prints a duration with three digits.
func short(d time.Duration) string {
	switch {
	case d >= time.Second:
		return fmt.Sprintf("%.2f s", d.Seconds())
	case d >= time.Millisecond:
		return fmt.Sprintf("%.2f ms", float64(d)/float64(time.Millisecond))
	}
	return fmt.Sprintf("%.0f µs", float64(d)/float64(time.Microsecond))
}
