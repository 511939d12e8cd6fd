package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/exchange"
	"github.com/drieluik/drieluik/fhir/store"
)

type auditCmd struct {
	Verify auditVerifyCmd `cmd:"" help:"Check chains, checkpoints, signatures and that every write is logged; prints the first break."`
	Export auditExportCmd `cmd:"" help:"Write the log as NDJSON AuditEvents, complete with identifiers."`
}

// auditSpan is the part of the log that a command is about.
type auditSpan struct {
	From string `help:"Rows recorded from this date or instant on."`
	To   string `help:"Rows recorded up to this date, its end included, or instant."`
}

// order completes an order by the span.
func (s auditSpan) order(o order) (order, error) {
	var err error
	if o.From, err = instantOf(s.From, 0); err == nil {
		o.To, err = instantOf(s.To, 1)
	}
	if err != nil {
		return o, usageError{err}
	}
	return o, nil
}

// instantOf reads a date, some days on, or an instant; zero for "".
func instantOf(text string, days int) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if day, err := time.ParseInLocation(time.DateOnly, text, time.Local); err == nil {
		return day.AddDate(0, 0, days).Add(-time.Duration(days) * time.Millisecond), nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return at, errors.New("give a date such as 2026-11-22, or an instant such as 2026-11-22T10:00:00Z")
	}
	return at, nil
}

type auditVerifyCmd struct {
	storeFlags
	auditSpan
}

// Help shows an example.
func (auditVerifyCmd) Help() string {
	return "Example:\n  drieluik audit verify --store sqlite:/var/lib/drieluik --from 2026-01-01"
}

// Run walks the log.
func (c auditVerifyCmd) Run(ctx context.Context, s streams) error {
	o, err := c.order(order{Do: "audit verify"})
	if err != nil {
		return err
	}
	out, err := c.do(ctx, s, o)
	if err != nil {
		return err
	}
	v := out.Verification
	if b := v.Break; b != nil {
		what := ""
		if b.Ref != "" {
			what = " " + b.Ref
		}
		return fmt.Errorf("the log is broken: compartment %s, row %d: %s%s", b.Compartment, b.Seq, b.Kind, what)
	}
	_, err = fmt.Fprintf(s.out, "%d rows, %d chains, ok\n", v.Rows, v.Chains)
	return err
}

type auditExportCmd struct {
	storeFlags
	auditSpan
	Org   string `help:"Rows for which this organisation answers alone: SYSTEM|VALUE, or a URA number."`
	Child string `help:"Rows of the child with this Patient id alone."`
}

// Help shows an example.
func (auditExportCmd) Help() string {
	return "Example:\n  drieluik audit export --store sqlite:/var/lib/drieluik --org 90000001 --from 2026-01-01 --to 2026-12-31 > log.ndjson"
}

// Run writes the log page by page.
func (c auditExportCmd) Run(ctx context.Context, s streams) error {
	o, err := c.order(order{Do: "audit export", Organization: organizationIdentifier(c.Org), Child: c.Child})
	if err != nil {
		return err
	}
	for {
		out, err := c.do(ctx, s, o)
		if err != nil {
			return err
		}
		for _, line := range out.Lines {
			if _, err := io.WriteString(s.out, line+"\n"); err != nil {
				return err
			}
		}
		if out.Next == nil {
			return nil
		}
		o.After = *out.Next
	}
}

// exportPage is how many rows one order looks at.
const exportPage = 2_000

// verifyLog carries out "audit verify".
func (a *app) verifyLog(ctx context.Context, o order) (outcome, error) {
	key, err := a.auditKey(ctx)
	if err != nil {
		return outcome{}, err
	}
	v, err := a.store.VerifyAudit(ctx, store.AuditCheck{From: o.From, To: o.To, Signer: key, Writes: true})
	if err == nil && v.Break != nil { // the operator is told in any case
		a.report(ctx, "a break is not in the log", a.exchange.Note(ctx, exchange.Incident{
			Event: "chain_break", Refused: true, Reason: v.Break.Kind,
			Details: map[string]string{"compartment": v.Break.Compartment, "row": fmt.Sprint(v.Break.Seq)},
		}))
	}
	return outcome{Verification: v}, err
}

// exportLog carries out one page of "audit export". That somebody takes the log along is in the log.
func (a *app) exportLog(ctx context.Context, o order) (outcome, error) {
	var of fhir.Ref
	if o.Organization != "" {
		var err error
		if of, err = a.exchange.OrganizationOf(ctx, o.Organization); err != nil {
			return outcome{}, err
		}
	}
	rows, err := a.store.Audits(ctx, store.AuditSpan{From: o.From, To: o.To, Compartment: o.Child, After: o.After, Max: exportPage})
	if err != nil {
		return outcome{}, err
	}
	whole, err := a.exchange.Exported(ctx, rows, of)
	if err != nil {
		return outcome{}, err
	}
	var out outcome
	for _, line := range whole {
		if line != nil {
			out.Lines = append(out.Lines, string(line))
		}
	}
	if len(rows) == exportPage {
		last := rows[len(rows)-1]
		out.Next = &store.AuditPlace{Compartment: last.Compartment, Seq: last.Seq}
	}
	if o.After != (store.AuditPlace{}) {
		return out, nil
	}
	return out, a.exchange.Note(ctx, exchange.Incident{Event: "log_exported", Organization: of, Details: map[string]string{
		"from": written(o.From), "to": written(o.To), "child": o.Child,
	}})
}

// written is an instant as the log has it, "" for none.
func written(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return at.UTC().Format(time.RFC3339)
}
