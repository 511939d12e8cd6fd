package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/drieluik/drieluik/conformance/terminology"
	"github.com/drieluik/drieluik/conformance/validate"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/exchange"
)

type validateCmd struct {
	Package []string `name:"package" type:"path" placeholder:"DIR|TGZ" help:"FHIR package whose profiles, extensions and Questionnaires are loaded; may be given several times."`
	Profile []string `name:"profile" placeholder:"URL" help:"Profile that every resource must conform to, besides those that it claims; may be given several times."`
	Output  string   `default:"text" enum:"text,json" help:"text: a line per issue; json: an OperationOutcome per resource, one a line."`
	Support bool     `name:"must-support" help:"Also tell which elements are absent that a profile marks as to be supported."`
	Files   []string `arg:"" name:"file" help:"FHIR JSON, NDJSON or source documents; - is standard input."`
}

// Help shows examples.
func (validateCmd) Help() string {
	return "Examples:\n" +
		"  drieluik validate bundle.json\n" +
		"  drieluik validate --package nl-core.tgz --profile http://nictiz.nl/fhir/StructureDefinition/nl-core-Patient patient.json\n" +
		"  drieluik convert child.json transfer.json | drieluik validate --output json -\n" +
		"Exit code 1 when an error is found, 2 when the call is wrong."
}

// Run validates the files and prints what is found.
func (v validateCmd) Run(s streams) error {
	defs, err := loadDefinitions(v.Package, validate.Options{MustSupport: v.Support})
	if err != nil {
		return err
	}
	for _, url := range v.Profile {
		if !defs.validator.Knows(url) {
			return usageError{errors.New("--profile names a profile that is not loaded; add the --package that holds it")}
		}
	}
	run := validation{validator: defs.validator, terms: defs.terms, profiles: v.Profile}
	checked, faulty := 0, 0
	for _, name := range v.Files {
		b, err := readFile(name, s.in)
		if err != nil {
			return err
		}
		for _, part := range parts(name, b) {
			issues := run.check(part.text)
			if err := v.print(s.out, part.name, issues); err != nil {
				return err
			}
			checked++
			if fhir.HasErrors(issues) {
				faulty++
			}
		}
	}
	if faulty > 0 {
		return fmt.Errorf("%d of %d have errors; mend them and run it again", faulty, checked)
	}
	return nil
}

// part is one resource or document of a file.
type part struct {
	name string
	text []byte
}

// parts splits NDJSON into its lines, which are named by their number; other files are one part.
func parts(name string, b []byte) []part {
	lines := bytes.Split(bytes.TrimSpace(b), []byte("\n"))
	if len(lines) < 2 || !json.Valid(lines[0]) {
		return []part{{name, b}}
	}
	var out []part
	for i, line := range lines {
		if line = bytes.TrimSpace(line); len(line) > 0 {
			out = append(out, part{name + ":" + strconv.Itoa(i+1), line})
		}
	}
	return out
}

// validation is one run over resources and documents.
type validation struct {
	validator *validate.Validator
	terms     *terminology.Terms
	profiles  []string
	documents [][]byte // source documents so far: a later one may refer to them
	told      int      // issues about them
}

// check validates one resource, or maps a source document and validates what it becomes.
func (v *validation) check(b []byte) []fhir.Issue {
	limits := fhir.Limits{Bytes: convertLimit}
	doc, issues := fhir.ParseDocument(b, limits)
	if doc != nil && doc.Root().Member("schema").Exists() && !doc.Root().Member("resourceType").Exists() {
		return v.document(b, limits)
	}
	if doc != nil {
		doc, issues = fhir.Parse(b, limits)
	}
	if doc == nil {
		return issues
	}
	return v.validator.Resource(doc, v.profiles...)
}

// document tells the faults of a source document, taken behind those before it as $submit would,
// else the errors of what it is mapped to.
func (v *validation) document(b []byte, limits fhir.Limits) []fhir.Issue {
	service := exchange.New(exchange.Config{Formats: sources("one", v.terms), Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	out, err := service.Convert(append(slices.Clip(v.documents), b), limits)
	if e := (&fhir.Error{}); errors.As(err, &e) && len(e.Issues) > 0 {
		return e.Issues
	}
	if err != nil {
		return []fhir.Issue{{
			Severity: fhir.SeverityError, Code: "exception", Diagnostics: "CLI-CONVERT",
			Text: "The document could not be mapped; run drieluik convert on it.",
		}}
	}
	issues := out.Issues[v.told:]
	if fhir.HasErrors(issues) {
		return issues
	}
	v.documents, v.told = append(v.documents, b), len(out.Issues)
	bundle, faults := fhir.Parse(out.Bundle, limits)
	if bundle == nil {
		return append(issues, faults...)
	}
	for _, i := range v.validator.Resource(bundle) {
		if i.Severity == fhir.SeverityError {
			issues = append(issues, i)
		}
	}
	return issues
}

// print writes the issues of one part in the chosen form.
func (v validateCmd) print(w io.Writer, name string, issues []fhir.Issue) error {
	if v.Output == "json" {
		b, err := json.Marshal(exchange.NewOutcome(issues))
		if err != nil {
			return err
		}
		_, err = w.Write(append(b, '\n'))
		return err
	}
	var out strings.Builder
	for _, i := range issues {
		fmt.Fprintf(&out, "%s:%s: %s: %s [%s]\n", name, i.Expression, i.Severity, i.Text, i.Diagnostics)
	}
	_, err := io.WriteString(w, out.String())
	return err
}
