package main

import "testing"

// TestAllNamesOfAChildGoOneWay: also those that were known before two children turned out to be one.
func TestAllNamesOfAChildGoOneWay(t *testing.T) {
	t.Parallel()
	l := newLanes(64)
	lane := func(names ...string) int {
		l.open.Add(1)
		defer l.open.Done()
		return l.lane(names)
	}
	a, b := lane("A"), lane("B", "C")
	if a == b {
		t.Fatal("two children of this test go one way")
	}
	if one := lane("A", "C"); one != a {
		t.Errorf("what joins them goes by %d, and one of them by %d", one, a)
	}
	if got := [...]int{lane("A"), lane("B"), lane("C"), lane("B", "D"), lane("D")}; got != [...]int{a, a, a, a, a} {
		t.Errorf("one child goes by %v", got)
	}
	if other := lane("E", "F"); lane("F") != other {
		t.Error("another child goes two ways")
	}
}
