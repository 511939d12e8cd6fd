package mks_test

import (
	"testing"
	"slices"
)

func TestZZ(t *testing.T) {
		c := planBoris(t)
		text := planEdited(t, boris3, func(_, in map[string]any) {
			in["dagprogramma"] = slices.Repeat([]any{map[string]any{"van": "10:00", "tot": "11:00", "tekst":"x"}}, 6000)
		})
		c.try(text)
}
