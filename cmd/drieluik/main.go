// Command drieluik is the server and its tools: a FHIR R4 adapter through which a child's transfer
// data moves between hospital, home care and family.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // ages change at midnight in Amsterdam and Stockholm, also where no zones are installed

	"github.com/alecthomas/kong"
)

// cli is the command line.
type cli struct {
	Demo      demoCmd      `cmd:"" help:"See it all in one command: a server with sample children, clients and curl lines."`
	Serve     serveCmd     `cmd:"" help:"Run the server."`
	Convert   convertCmd   `cmd:"" help:"Turn source documents into a FHIR Bundle, without a server."`
	Validate  validateCmd  `cmd:"" help:"Check FHIR resources and source documents against R4 and profiles, without a server."`
	Import    importCmd    `cmd:"" help:"Take in folders and files of records, as a push does."`
	Export    exportCmd    `cmd:"" help:"Write everything that the store holds as NDJSON."`
	Backup    backupCmd    `cmd:"" help:"Write one consistent state of the embedded store into a file, also while the server runs."`
	Restore   restoreCmd   `cmd:"" help:"Put a backup into a new data folder."`
	Move      moveCmd      `cmd:"" help:"Move an embedded store into PostgreSQL."`
	Client    clientCmd    `cmd:"" help:"Register and list the systems that may connect."`
	Emergency emergencyCmd `cmd:"" help:"The organisations whose professionals may open records in an emergency."`
	User      userCmd      `cmd:"" help:"Local accounts of parents and children."`
	Keys      keysCmd      `cmd:"" help:"The keys that sign id_tokens; they change by themselves."`
	Audit     auditCmd     `cmd:"" help:"Check the log of who saw and changed what."`
	Check     checkCmd     `cmd:"" help:"Ask a running server from outside whether it keeps its contract."`
	Version   versionCmd   `cmd:"" help:"Print release, commit, Go and FHIR version."`
}

// streams are where a command reads and writes: data to out, everything else to err.
type streams struct {
	in  io.Reader
	out io.Writer
	err io.Writer
}

// Exit codes of every command.
const (
	exitDone  = 0
	exitFail  = 1
	exitUsage = 2
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], streams{in: os.Stdin, out: os.Stdout, err: os.Stderr})
	stop()
	os.Exit(code)
}

// usageError is a fault in how a command was called.
type usageError struct{ error }

// run executes one command line and returns its exit code.
func run(ctx context.Context, args []string, io streams) int {
	var c cli
	exited := -1
	parser, err := kong.New(&c,
		kong.Name("drieluik"),
		kong.Description("FHIR R4 adapter for children who are nursed at home: hospital pushes, home care pulls, family reads."),
		kong.Writers(io.out, io.err),
		kong.Exit(func(code int) { exited = code }),
		kong.DefaultEnvars("DRIELUIK"),
		kong.Configuration(yamlSettings),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(io),
	)
	if err != nil {
		fmt.Fprintln(io.err, "drieluik:", err)
		return exitFail
	}
	k, err := parser.Parse(args)
	if exited >= 0 { // --help
		return exited
	}
	if err != nil {
		fmt.Fprintf(io.err, "drieluik: %v. See drieluik --help.\n", err)
		return exitUsage
	}
	if err := k.Run(); err != nil {
		fmt.Fprintln(io.err, "drieluik:", err)
		if u := (usageError{}); errors.As(err, &u) {
			return exitUsage
		}
		return exitFail
	}
	return exitDone
}
