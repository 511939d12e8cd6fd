package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// release is set at build time with -ldflags "-X main.release=…".
var release = "0.1.0-dev"

type versionCmd struct{}

// Run prints what this binary is.
func (versionCmd) Run(io streams) error {
	commit := "unknown"
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				commit = s.Value
			}
		}
	}
	_, err := fmt.Fprintf(io.out, "drieluik %s\ncommit %s\n%s %s/%s\nFHIR 4.0.1 (R4)\n",
		release, commit, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}
