package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"regexp"
	"text/tabwriter"
)

// compare prints how the figures of one build differ from those of another, from two files of --json. What is held
// against a ceiling is compared by that ratio, which moves less with the machine than a rate.
func compare(files []string, out io.Writer) error {
	var runs [2]result
	for i, file := range files {
		b, err := os.ReadFile(file)
		if err == nil {
			err = json.Unmarshal(b, &runs[i])
		}
		if err != nil || len(runs[i].Rows) == 0 {
			return fmt.Errorf("%s holds no figures of --json", file)
		}
	}
	before, after := runs[0], runs[1]
	fmt.Fprintf(out, "before: %d children, %d resources, %.1f s for each figure; after: %d, %d, %.1f s\n",
		before.Children, before.Resources, before.Seconds, after.Children, after.Resources, after.Seconds)
	fmt.Fprintf(out, "within the runs C1 moved by %.0f %% and %.0f %%, C2 by %.0f %% and %.0f %%: less than that is noise\n\n",
		100*before.DriftHTTP, 100*after.DriftHTTP, 100*before.DriftSQL, 100*after.DriftSQL)
	old := map[string]row{}
	for _, r := range before.Rows {
		old[r.key()] = r
	}
	t := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(t, "WORKLOAD\tCLIENTS\tOF\tBEFORE\tAFTER\tCHANGE\tP99 BEFORE\tAFTER\tCPU µs BEFORE\tAFTER\tVERDICT BEFORE\tAFTER")
	for _, r := range after.Rows {
		was, ok := old[r.key()]
		if !ok {
			fmt.Fprintf(t, "%s %s\t%d\t%s\t\t%.3f\tnew\n", r.ID, r.What, r.Clients, r.measure(), r.level())
			continue
		}
		delete(old, r.key())
		fmt.Fprintf(t, "%s %s\t%d\t%s\t%.3f\t%.3f\t%s\t%s\t%s\t%.0f\t%.0f\t%s\t%s\n", r.ID, r.What, r.Clients, r.measure(), was.level(), r.level(),
			change(was.level(), r.level()), short(was.P99), short(r.P99), was.cpu(), r.cpu(), was.Verdict, r.Verdict)
	}
	for _, r := range before.Rows {
		if _, left := old[r.key()]; left {
			fmt.Fprintf(t, "%s %s\t%d\t%s\t%.3f\t\tnot measured\n", r.ID, r.What, r.Clients, r.measure(), r.level())
		}
	}
	return t.Flush()
}

// amounts are the numbers in the name of a row, which say how much was there.
var amounts = regexp.MustCompile(`[0-9][0-9.,]*`)

// key names a row of two runs that measured the same.
func (r row) key() string {
	return fmt.Sprint(r.ID, amounts.ReplaceAllString(r.What, "n"), r.Clients, r.Ceiling, r.Goal, r.Size)
}

// level is the figure by which a row is compared, and measure says what it is of.
func (r row) level() float64 {
	switch {
	case r.Unit != "":
		return r.Value
	case r.Ratio != 0:
		return r.Ratio
	}
	return r.unitRate()
}

func (r row) measure() string {
	switch {
	case r.Unit != "":
		return r.Unit
	case r.Ratio != 0 && r.Ceiling != "":
		return r.Ceiling
	case r.Ratio != 0:
		return "goal"
	}
	return "units/s"
}

func change(was, is float64) string {
	if was == 0 {
		return ""
	}
	return fmt.Sprintf("%+.0f %%", 100*(is/was-1))
}
