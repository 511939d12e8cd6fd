package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// bar shows how far a command is, where somebody watches.
type bar struct {
	w        io.Writer
	terminal bool
	total    int64 // of whatever is counted
	began    time.Time
	shown    time.Time
}

func newBar(w io.Writer, total int64) *bar {
	return &bar{w: w, terminal: isTerminal(w), total: total, began: time.Now()}
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

// show draws the bar over what it showed before, with a text beside it, ten times a second at most.
func (b *bar) show(done int64, text func() string) {
	if !b.terminal || time.Since(b.shown) <= 100*time.Millisecond {
		return
	}
	b.shown = time.Now()
	const width = 30
	share := min(1, float64(done)/float64(max(1, b.total)))
	full := int(share * width)
	left := ""
	if done > 0 {
		rest := time.Duration(float64(time.Since(b.began)) * (1 - share) / max(share, 1e-9))
		left = ", " + rest.Round(time.Second).String() + " left"
	}
	fmt.Fprintf(b.w, "\r\x1b[K[%s%s] %3.0f %%  %s%s", strings.Repeat("#", full), strings.Repeat(".", width-full), share*100, text(), left)
}

// end takes the bar away and says what was done.
func (b *bar) end(text string) {
	if b.terminal {
		fmt.Fprint(b.w, "\r\x1b[K")
	}
	fmt.Fprintln(b.w, text+" in "+time.Since(b.began).Round(10*time.Millisecond).String())
}
