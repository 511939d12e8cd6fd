package main

import (
	"context"
	"time"
)

// scheduleEvery is how long a rule of time that is due may wait, and a process after one that died.
const scheduleEvery = 5 * time.Second

// schedule runs the rules of time until ctx ends (mks.md 7): at once, so that what was missed is caught up,
// and then whenever something is due.
func (a *app) schedule(ctx context.Context) {
	tick := time.NewTicker(scheduleEvery)
	defer tick.Stop()
	for {
		did, err := a.exchange.Tick(ctx, time.Now())
		a.meters.ticked(did)
		if err != nil && ctx.Err() == nil {
			a.log.Error("rules of time did not run", "error", err.Error())
		} else if did.Writes > 0 || did.Failed > 0 {
			a.log.Info("rules of time", "children", did.Children, "writes", did.Writes, "failed", did.Failed)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
