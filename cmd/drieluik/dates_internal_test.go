package main

import (
	"testing"
	"time"
)

func TestStoryMovesByWholeDays(t *testing.T) {
	t.Parallel()
	cases := []struct{ name, in, want string }{
		{"a date", `{"a":"2026-11-21"}`, `{"a":"2026-11-24"}`},
		{"over the end of a month", `["2026-11-29"]`, `["2026-12-02"]`},
		{"a moment keeps time and offset", `{"a":"2026-11-21T20:00:00.5+01:00"}`, `{"a":"2026-11-24T20:00:00.5+01:00"}`},
		{"a month stays a month", `{"a":"2025-11"}`, `{"a":"2025-11"}`},
		{"no date", `{"a":"0880000211","b":"12-2025","c":2026,"d":"2026-13-40"}`, `{"a":"0880000211","b":"12-2025","c":2026,"d":"2026-13-40"}`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := string(shifted([]byte(c.in), 3)); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
	if got := daysSinceStory(time.Date(2027, 1, 1, 23, 59, 0, 0, time.UTC)); got != 41 {
		t.Errorf("1 January 2027 is %d days after the story", got)
	}
}

// TestStoryKeepsTheDayOfItsFolder: a stored version keeps its dates, so a demo of a later day sends
// those of the first one.
func TestStoryKeepsTheDayOfItsFolder(t *testing.T) {
	t.Parallel()
	d := &demo{dir: t.TempDir()}
	first := time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC)
	for _, now := range []time.Time{first, first.AddDate(0, 0, 5)} {
		if days, err := d.storyDays(now); err != nil || days != 3 {
			t.Errorf("on %s the story moved by %d days, %v; want 3", now.Format(time.DateOnly), days, err)
		}
	}
}
