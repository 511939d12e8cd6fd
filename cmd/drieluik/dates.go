package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// storyDay is the day that the sample records take for today.
var storyDay = time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)

// dateText finds a JSON string that begins with a date: a full date, a dateTime, or a year and month.
var dateText = regexp.MustCompile(`"(\d{4}-\d{2})(-\d{2})?(T[^"]*)?"`)

// shifted moves every date of a JSON document by whole days, so that the story's today is today.
// Times of day and offsets stay as they are.
func shifted(doc []byte, days int) []byte {
	return dateText.ReplaceAllFunc(doc, func(m []byte) []byte {
		parts := dateText.FindSubmatch(m)
		month, day, rest := string(parts[1]), string(parts[2]), string(parts[3])
		if day == "" {
			t, err := time.Parse("2006-01-02", month+"-15") // the middle keeps a month a month
			if err != nil || rest != "" {
				return m
			}
			return []byte(`"` + t.AddDate(0, 0, days).Format("2006-01") + `"`)
		}
		t, err := time.Parse("2006-01-02", month+day)
		if err != nil {
			return m
		}
		return []byte(`"` + t.AddDate(0, 0, days).Format("2006-01-02") + rest + `"`)
	})
}

// daysSinceStory is how far a day lies from the story's today.
func daysSinceStory(now time.Time) int {
	today := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, time.UTC)
	return int(today.Sub(storyDay).Hours() / 24)
}

// storyDays is how far a data folder moves the story: to the day of its first demo. A stored record
// keeps its dates, so a later demo on the same folder must send the same.
func (d *demo) storyDays(now time.Time) (int, error) {
	file := filepath.Join(d.dir, "day")
	b, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		return daysSinceStory(now), os.WriteFile(file, []byte(now.Format(time.DateOnly)+"\n"), 0o600)
	}
	if err != nil {
		return 0, err
	}
	day, err := time.Parse(time.DateOnly, strings.TrimSpace(string(b)))
	if err != nil {
		return 0, fmt.Errorf("%s must hold a date such as 2026-11-21; start with an empty --data folder", file)
	}
	return daysSinceStory(day), nil
}
