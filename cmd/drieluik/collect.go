package main

import (
	"cmp"
	"os"
	"runtime/debug"
	"strconv"
)

// frequentGC is the GOGC while large bodies are worked on: what one holds is many times its size, and the room that
// the collector leaves comes on top of it.
const frequentGC = 25

// collectOften makes the collector leave less room while large bodies are worked on, unless GOGC says less or that
// there shall be no such goal.
func collectOften(working bool) {
	usual, err := strconv.Atoi(cmp.Or(os.Getenv("GOGC"), "100"))
	if err != nil || usual <= frequentGC {
		return
	}
	if working {
		usual = frequentGC
	}
	debug.SetGCPercent(usual)
}
