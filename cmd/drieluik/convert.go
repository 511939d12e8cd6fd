package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/exchange"
)

type convertCmd struct {
	To     string   `default:"fhir" enum:"fhir" help:"fhir; the way back to source documents is not supported yet."`
	Now    string   `help:"Instant that the rules take for now, such as 2026-11-21T20:00:00+01:00."`
	Report string   `type:"path" help:"Write the mapping report to this file as an OperationOutcome."`
	Files  []string `arg:"" name:"file" help:"Source documents, taken in this order; - is standard input."`
}

// Help shows examples.
func (convertCmd) Help() string {
	return "Examples:\n  drieluik convert child.json transfer.json > bundle.json\n  cat transfer.json | drieluik convert -"
}

// convertLimit bounds one source document.
const convertLimit = 50_000_000

// Run converts the files and prints one Bundle.
func (c convertCmd) Run(s streams) error {
	now := time.Now
	if c.Now != "" {
		t, err := time.Parse(time.RFC3339, c.Now)
		if err != nil {
			return usageError{errors.New("--now takes an instant such as 2026-11-21T20:00:00+01:00")}
		}
		now = func() time.Time { return t }
	}
	docs := make([][]byte, len(c.Files))
	for i, f := range c.Files {
		b, err := readFile(f, s.in)
		if err != nil {
			return err
		}
		docs[i] = b
	}
	service := exchange.New(exchange.Config{Formats: sources("one"), Now: now, Log: slog.New(slog.DiscardHandler)})
	out, err := service.Convert(docs, fhir.Limits{Bytes: convertLimit})
	var e *fhir.Error
	if errors.As(err, &e) && len(e.Issues) > 0 {
		out.Issues, err = e.Issues, nil
	}
	if err != nil {
		return err
	}
	if err := c.report(s.err, out.Issues); err != nil {
		return err
	}
	if fhir.HasErrors(out.Issues) {
		return errors.New("nothing was converted; mend the errors above")
	}
	_, err = s.out.Write(append(out.Bundle, '\n'))
	return err
}

// report prints a line per issue, and writes the OperationOutcome when asked.
func (c convertCmd) report(w io.Writer, issues []fhir.Issue) error {
	for _, i := range issues {
		fmt.Fprintf(w, "%s %s %s: %s\n", i.Severity, i.Diagnostics, i.Expression, i.Text)
	}
	if c.Report == "" {
		return nil
	}
	b, err := json.Marshal(exchange.NewOutcome(issues))
	if err != nil {
		return err
	}
	return os.WriteFile(c.Report, b, 0o600)
}

// readFile reads a file, or standard input for "-".
func readFile(name string, in io.Reader) ([]byte, error) {
	if name == "-" {
		return io.ReadAll(io.LimitReader(in, convertLimit))
	}
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("cannot read %s; check the path", name)
	}
	return b, nil
}
