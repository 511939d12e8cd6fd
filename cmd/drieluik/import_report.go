package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"sync"

	"github.com/drieluik/drieluik/fhir"
)

// errorFile takes what is refused, a JSON line for each record. It is made at the first.
type errorFile struct {
	path string
	mu   sync.Mutex
	out  *os.File
}

// refusedRecord is a line of the file. Line counts from 1 where a file holds several records.
type refusedRecord struct {
	File   string         `json:"file"`
	Line   int            `json:"line,omitempty"`
	Issues []refusedIssue `json:"issues"`
}

type refusedIssue struct {
	Severity   string `json:"severity"`
	Rule       string `json:"rule"`
	Expression string `json:"expression,omitempty"`
	Text       string `json:"text"`
}

func (f *errorFile) write(rec importRecord, issues []fhir.Issue) error {
	row := refusedRecord{File: rec.file, Line: rec.line}
	for _, i := range issues {
		row.Issues = append(row.Issues, refusedIssue{i.Severity, i.Diagnostics, i.Expression, i.Text})
	}
	b, err := json.Marshal(row)
	if err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.out == nil {
		if f.out, err = os.OpenFile(f.path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600); err != nil {
			return fmt.Errorf("cannot write %s; choose another --errors", f.path)
		}
	}
	_, err = f.out.Write(append(b, '\n'))
	return err
}

func (f *errorFile) close() error {
	if f.out == nil {
		return nil
	}
	return f.out.Close()
}

// progress counts what was done, and shows it.
type progress struct {
	bar                   *bar
	mu                    sync.Mutex
	bytes                 int64
	stored, known, faulty int
}

func newProgress(w io.Writer, files []importFile) *progress {
	total := int64(0)
	for _, f := range files {
		total += f.size
	}
	return &progress{bar: newBar(w, total)}
}

// add counts one record, which stands for a size of its file.
func (p *progress) add(size int64, out outcome) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.bytes += size
	switch {
	case out.Issues != nil:
		p.faulty++
	case out.Repeat:
		p.known++
	default:
		p.stored++
	}
	p.bar.show(p.bytes, p.counts)
}

func (p *progress) counts() string {
	return fmt.Sprintf("%d stored, %d known already, %d refused", p.stored, p.known, p.faulty)
}

// end prints the counts.
func (p *progress) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.bar.end(p.counts())
}

func (p *progress) refused() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.faulty
}
