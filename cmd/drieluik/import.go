package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"

	"github.com/drieluik/drieluik/fhir"
)

// importGC is how much an import lets its memory grow between two collections, in percent of what it holds.
const importGC = 200

type importCmd struct {
	storeFlags
	Workers    int      `help:"How many children at once; left out: two for each processor."`
	Org        string   `help:"Organisation that FHIR Bundles come from: SYSTEM|VALUE, or a URA number. Source documents name their own."`
	Base       string   `default:"https://import.invalid/fhir" help:"FHIR base URL of the server that single resources come from: their ids are known again under it."`
	Signatures string   `default:"one" enum:"one,all" help:"How many guardians sign a changed plan, as serve has it; a running server goes by its own."`
	Package    []string `type:"path" help:"FHIR package that resources are checked against, as serve has it; repeatable."`
	Errors     string   `type:"path" default:"import-errors.ndjson" help:"File for what is refused: a line each, with place, rule and what to do."`
	Paths      []string `arg:"" name:"path" help:"Files and folders: .json (a source document, a FHIR Bundle, or an array of them) and .ndjson (one a line; or single resources, as a bulk export gives them)."`
}

// Help shows examples.
func (importCmd) Help() string {
	return "Takes in records as POST /fhir/$submit does, with the same checks, in the store itself or, while a server runs on it,\n" +
		"through that server. What is about one child goes in the order of the names of files and of their lines, children\n" +
		"beside one another. Single resources of all .ndjson files are gathered for each child. What is stored already is\n" +
		"known again and left: after a stop, run the same command again.\n\n" +
		"Examples:\n  drieluik import ./records\n  drieluik import --workers 8 --store sqlite:/var/lib/drieluik export-1.ndjson export-2.ndjson\n" +
		"  drieluik import --org 90000002 ./bundles\n  drieluik import --org 90000002 --base https://fhir.hospital.example/r4 Patient.ndjson Condition.ndjson"
}

// Run imports everything that the paths name.
func (c importCmd) Run(ctx context.Context, s streams) error {
	if c.Workers == 0 { // while some wait for a commit, which they share, others work
		c.Workers = min(2*runtime.GOMAXPROCS(0), 64)
	}
	if c.Workers < 1 || c.Workers > 64 {
		return usageError{errors.New("--workers takes 1 to 64")}
	}
	files, err := importFiles(c.Paths)
	if err != nil {
		return usageError{err}
	}
	if os.Getenv("GOGC") == "" { // nobody waits for an answer: memory for a fifth of its time
		defer debug.SetGCPercent(debug.SetGCPercent(importGC))
	}
	if err := os.Remove(c.Errors); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("cannot write %s; choose another --errors", c.Errors)
	}
	do, closeStore, err := c.open(ctx, s, settings{Signatures: c.Signatures, Package: c.Package})
	if err != nil {
		return err
	}
	run := &importRun{
		cmd: c, do: do, progress: newProgress(s.err, files),
		errors: &errorFile{path: c.Errors},
	}
	err = run.all(ctx, files)
	return errors.Join(err, run.errors.close(), closeStore())
}

// importRun is one import.
type importRun struct {
	cmd      importCmd
	do       operator
	progress *progress
	errors   *errorFile
}

// importRecord is one record of a file. line counts from 1, in a file with several.
type importRecord struct {
	file string
	line int
	size int64 // bytes of the file that it stands for
	// lanes are the names of its child: what has one of them in common goes in order.
	lanes   []string
	body    []byte
	entries []string    // of a Bundle that was made of lines: what its entries are
	bad     *fhir.Issue // it cannot even be read
}

// all sends the records of the files through the workers: those of one child through one, in order.
func (r *importRun) all(ctx context.Context, files []importFile) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	lanes := newLanes(r.cmd.Workers)
	var working sync.WaitGroup
	for _, lane := range lanes.workers {
		working.Go(func() {
			for rec := range lane {
				if ctx.Err() == nil {
					if err := r.take(ctx, rec); err != nil {
						stop(err)
					}
				}
				lanes.open.Done()
			}
		})
	}
	err := readRecords(files, strings.TrimSuffix(r.cmd.Base, "/"), func(rec importRecord) bool { return lanes.send(ctx, rec) })
	lanes.close()
	working.Wait()
	r.progress.end()
	switch {
	case errors.Is(context.Cause(ctx), context.Canceled):
		return errors.New("stopped; run the same command again to go on, what is stored is known again")
	case context.Cause(ctx) != nil:
		return fmt.Errorf("%w; run the same command again to go on", context.Cause(ctx))
	case err != nil:
		return err
	case r.progress.refused() > 0:
		return fmt.Errorf("%d records were refused; mend what stands in %s, and run the same command again", r.progress.refused(), r.cmd.Errors)
	}
	return nil
}

// take sends one record and tells what came of it. An error ends the import.
func (r *importRun) take(ctx context.Context, rec importRecord) error {
	out := outcome{}
	if rec.bad != nil {
		out.Issues = []fhir.Issue{*rec.bad}
	} else {
		var err error
		o := order{Do: "import", File: rec.body, Organization: organizationIdentifier(r.cmd.Org), Gathered: rec.entries != nil}
		if out, err = r.do(ctx, o); err != nil {
			return err
		}
	}
	r.progress.add(rec.size, out)
	if out.Issues == nil {
		return nil
	}
	return r.errors.write(rec, inLines(out.Issues, rec.entries))
}

// inEntry is the place of an entry in a Bundle.
var inEntry = regexp.MustCompile(`^Bundle\.entry\[([0-9]+)\](\.resource)?`)

// inLines names the resources of a Bundle that was made of lines where issues name its entries.
func inLines(issues []fhir.Issue, entries []string) []fhir.Issue {
	for i := range issues {
		m := inEntry.FindStringSubmatch(issues[i].Expression)
		if m == nil {
			continue
		}
		if n, err := strconv.Atoi(m[1]); err == nil && n < len(entries) {
			issues[i].Expression = entries[n] + strings.TrimPrefix(issues[i].Expression, m[0])
		}
	}
	return issues
}
