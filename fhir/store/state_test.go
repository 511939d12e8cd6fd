package store_test

import (
	"testing"
	"time"

	"github.com/drieluik/drieluik/auth/state"
	"github.com/drieluik/drieluik/auth/state/statetest"
)

func TestStateContract(t *testing.T) {
	if testing.Short() {
		t.Skip("thousands of durable commits")
	}
	statetest.Run(t, func(t *testing.T, clock func() time.Time) statetest.State {
		s, err := state.New(openAt(t, t.TempDir()), clock)
		if err != nil {
			t.Fatal(err)
		}
		return s
	})
}
