package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

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

// progress counts what was done, and shows it on a terminal.
type progress struct {
	w        io.Writer
	terminal bool
	total    int64 // bytes of all files
	began    time.Time

	mu                    sync.Mutex
	bytes                 int64
	stored, known, faulty int
	shown                 time.Time
}

func newProgress(w io.Writer, files []importFile) *progress {
	p := &progress{w: w, terminal: isTerminal(w), began: time.Now()}
	for _, f := range files {
		p.total += f.size
	}
	return p
}

// isTerminal reports whether somebody watches.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
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
	if p.terminal && time.Since(p.shown) > 100*time.Millisecond {
		p.shown = time.Now()
		p.draw()
	}
}

// draw shows the bar, over what it showed before.
func (p *progress) draw() {
	const width = 30
	share := min(1, float64(p.bytes)/float64(max(1, p.total)))
	full := int(share * width)
	left := ""
	if p.bytes > 0 {
		rest := time.Duration(float64(time.Since(p.began)) * (1 - share) / max(share, 1e-9))
		left = ", " + rest.Round(time.Second).String() + " left"
	}
	fmt.Fprintf(p.w, "\r\x1b[K[%s%s] %3.0f %%  %s%s", strings.Repeat("#", full), strings.Repeat(".", width-full), share*100, p.counts(), left)
}

func (p *progress) counts() string {
	return fmt.Sprintf("%d stored, %d known already, %d refused", p.stored, p.known, p.faulty)
}

// end prints the counts.
func (p *progress) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.terminal {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
	fmt.Fprintln(p.w, p.counts()+" in "+time.Since(p.began).Round(10*time.Millisecond).String())
}

func (p *progress) refused() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.faulty
}
