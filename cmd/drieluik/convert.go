package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/exchange"
	"github.com/drieluik/drieluik/mapping"
)

type convertCmd struct {
	To          string   `default:"fhir" placeholder:"fhir|SCHEMA" help:"fhir, or the schema of source documents, such as mks-bron/1, for the way back."`
	Now         string   `help:"Instant that the rules take for now, such as 2026-11-21T20:00:00+01:00."`
	Report      string   `type:"path" help:"Write the mapping report to this file as an OperationOutcome: the issues, and where each member went."`
	URA         string   `name:"ura" help:"Way back of FHIR of another origin: URA of the organisation in whose name the documents are."`
	Application string   `default:"drieluik" help:"Way back of FHIR of another origin: application in whose name the documents are."`
	Files       []string `arg:"" name:"file" help:"Source documents, or Bundles for the way back, taken in this order; - is standard input."`
}

// Help shows examples.
func (convertCmd) Help() string {
	return "Examples:\n  drieluik convert child.json transfer.json > bundle.json\n  cat transfer.json | drieluik convert -\n" +
		"  drieluik convert --to mks-bron/1 bundle.json > documents.json"
}

// convertLimit bounds one source document.
const convertLimit = 50_000_000

// Run converts the files and prints one Bundle, or the source documents of Bundles.
func (c convertCmd) Run(s streams) error {
	now, err := c.clock()
	if err != nil {
		return err
	}
	formats := sources("one", nil)
	if c.To != "fhir" && !slices.ContainsFunc(formats, func(f mapping.Format) bool { return f.Schema() == c.To }) {
		return usageError{errors.New("--to takes fhir or " + schemas(formats))}
	}
	docs := make([][]byte, len(c.Files))
	for i, f := range c.Files {
		if docs[i], err = readFile(f, s.in); err != nil {
			return err
		}
	}
	service := exchange.New(exchange.Config{Formats: formats, Now: now, Log: slog.New(slog.DiscardHandler)})
	out, err := c.convert(service, docs)
	var e *fhir.Error
	if errors.As(err, &e) && len(e.Issues) > 0 {
		out.Issues, err = e.Issues, nil
	}
	if err != nil {
		return err
	}
	if err := c.report(s.err, out); err != nil {
		return err
	}
	if fhir.HasErrors(out.Issues) {
		return errors.New("nothing was converted; mend the errors above")
	}
	_, err = s.out.Write(append(append(out.Bundle, out.Documents...), '\n'))
	return err
}

// clock is what the rules take for now.
func (c convertCmd) clock() (func() time.Time, error) {
	if c.Now == "" {
		return time.Now, nil
	}
	t, err := time.Parse(time.RFC3339, c.Now)
	if err != nil {
		return nil, usageError{errors.New("--now takes an instant such as 2026-11-21T20:00:00+01:00")}
	}
	return func() time.Time { return t }, nil
}

func (c convertCmd) convert(service *exchange.Service, docs [][]byte) (exchange.Conversion, error) {
	limits := fhir.Limits{Bytes: convertLimit}
	if c.To == "fhir" {
		return service.Convert(docs, limits)
	}
	return service.ConvertBack(docs, c.To, mapping.Origin{
		Organization: fhir.Identifier{System: uraSystem, Value: c.URA}, Application: c.Application, Name: "drieluik convert",
	}, limits)
}

// schemas names the schemas of formats.
func schemas(formats []mapping.Format) string {
	var out []string
	for _, f := range formats {
		out = append(out, f.Schema())
	}
	return strings.Join(out, ", ")
}

// report prints a line per issue, and writes the whole report when asked.
func (c convertCmd) report(w io.Writer, out exchange.Conversion) error {
	for _, i := range out.Issues {
		fmt.Fprintf(w, "%s %s %s: %s\n", i.Severity, i.Diagnostics, i.Expression, i.Text)
	}
	if c.Report == "" {
		return nil
	}
	b, err := json.Marshal(exchange.NewOutcome(out.Report()))
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
