// Command drieluik-bench measures how fast a built drieluik is, against ceilings that it measures on
// the same machine in the same run: how fast bare HTTP, bare SQLite and bare signatures are there.
// Server and load are processes of their own; what is measured is the server as it ships, with
// authentication, consent, audit and validation, on a durable store.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/alecthomas/kong"
)

// options are the flags.
type options struct {
	Binary   string        `type:"existingfile" help:"The built drieluik to measure, such as ./drieluik."`
	Children int           `default:"500" help:"Children to store, about 40 resources each."`
	Parents  int           `default:"32" help:"Parents who log in and permit, for W2."`
	Seconds  float64       `default:"5" help:"How long each figure is measured."`
	Clients  []int         `default:"1,8,32" help:"Closed-loop clients where a workload is measured with several."`
	Short    bool          `help:"Done within 45 s: at most 40 children, 0.7 s for each figure."`
	Only     []string      `help:"Measure these workloads alone, such as W2,W3."`
	Growth   bool          `help:"Measure W1 to W3 again at the sizes; takes minutes."`
	Long     bool          `help:"As --growth, to 1,000,000 resources too; takes some 20 minutes and 2 GB."`
	Sizes    []int         `default:"10000,100000" help:"Numbers of resources of --growth; the first is what others are compared with."`
	Soak     time.Duration `placeholder:"DURATION" help:"Nothing but W1 to W5 mixed, at 70 % of what the server can do, for so long: each minute its memory, wrong answers and p99."`
	JSON     string        `name:"json" type:"path" help:"Write the figures to this file, to compare two builds."`
	Compare  []string      `placeholder:"BEFORE,AFTER" type:"existingfile" help:"Measure nothing: print how the figures of one build, a file of --json, differ from those of another."`
	Profile  string        `placeholder:"FOLDER" type:"existingdir" help:"Write a CPU profile of the server under each workload into this folder, for go tool pprof; of a soak each minute, and what memory holds."`
	Bare     bool          `hidden:"" help:"Be the bare server that C1 measures."`
}

// duration is how long a figure is measured.
func (o options) duration() time.Duration { return time.Duration(o.Seconds * float64(time.Second)) }

// wants reports whether a workload is to be measured.
func (o options) wants(id string) bool {
	return len(o.Only) == 0 || slices.ContainsFunc(o.Only, func(s string) bool { return strings.EqualFold(strings.TrimSpace(s), id) })
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

const help = `Measures a built drieluik against ceilings of the same machine and prints one table.
Each row ends in met or not met. A busy machine moves everything: look at the drift of the ceilings.

Examples:
  drieluik-bench --binary ./drieluik --short
  drieluik-bench --binary ./drieluik --only W2,W3 --json before.json
  drieluik-bench --compare before.json,after.json
  drieluik-bench --binary ./drieluik --soak 30m --json soak.json`

// run measures and prints. It returns the exit code: 0 done, 1 failed, 2 wrong usage. A goal that is
// not met is no failure.
func run(ctx context.Context, args []string, out, errs io.Writer) int {
	var o options
	exited := -1
	parser, err := kong.New(&o, kong.Name("drieluik-bench"), kong.Description(help), kong.Writers(out, errs), kong.Exit(func(code int) { exited = code }))
	if err == nil {
		_, err = parser.Parse(args)
	}
	if exited >= 0 {
		return exited
	}
	if err == nil {
		err = o.settle()
	}
	if err != nil {
		fmt.Fprintf(errs, "drieluik-bench: %v. See drieluik-bench --help.\n", err)
		return 2
	}
	switch {
	case o.Bare:
		err = bareServer(ctx, out)
	case len(o.Compare) > 0:
		err = compare(o.Compare, out)
	default:
		err = measureAll(ctx, o, out, errs)
	}
	if err != nil {
		fmt.Fprintln(errs, "drieluik-bench:", err)
		return 1
	}
	return 0
}

// settle applies --short and refuses what makes no sense.
func (o *options) settle() error {
	if o.Short {
		o.Children, o.Parents, o.Seconds = min(o.Children, 40), min(o.Parents, 4), min(o.Seconds, 0.7)
	}
	if o.Growth = o.Growth || o.Long; o.Long && slices.Equal(o.Sizes, []int{10_000, 100_000}) {
		o.Sizes = append(o.Sizes, 1_000_000)
	}
	switch {
	case o.Bare:
		return nil
	case len(o.Compare) == 2:
		return nil
	case len(o.Compare) > 0:
		return errors.New("--compare takes two files, such as before.json,after.json")
	case o.Binary == "":
		return errors.New("give --binary, the drieluik to measure")
	case o.Children < 1 || o.Children > maxChildren:
		return fmt.Errorf("--children lies between 1 and %d, the children of the test range", maxChildren)
	case o.Soak < 0 || o.Soak > 0 && o.Children < 2:
		return errors.New("--soak is a time, with two children or more")
	case !slices.IsSorted(o.Sizes) || len(o.Sizes) == 0:
		return errors.New("--sizes grow")
	case o.Seconds <= 0 || o.Parents < 1 || len(o.Clients) == 0 || slices.Min(o.Clients) < 1:
		return errors.New("--seconds, --parents and --clients must be positive")
	}
	return nil
}

// measureAll is the run: ceilings, workloads, ceilings again.
func measureAll(ctx context.Context, o options, out, errs io.Writer) error {
	b, err := newBench(o, errs)
	if err != nil {
		return err
	}
	defer b.close()
	parts := []func(context.Context) error{b.ceilings, b.begin, b.workloads, b.importing, b.inProcess, b.growth, b.footprint, b.pair, b.ceilings}
	if o.Soak > 0 {
		parts = []func(context.Context) error{b.ceilings, b.begin, b.soak, b.ceilings}
	}
	for _, part := range parts {
		if err := part(ctx); err != nil {
			return err
		}
	}
	b.judge()
	if o.JSON != "" {
		text, err := json.MarshalIndent(b.report(), "", "  ")
		if err == nil {
			err = os.WriteFile(o.JSON, append(text, '\n'), 0o600)
		}
		if err != nil {
			return fmt.Errorf("the figures cannot be written: %w", err)
		}
	}
	return b.print(out)
}
