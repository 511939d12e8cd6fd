package path

import "slices"

// subsets are the functions that choose, combine and project.
var subsets = map[string]function{
	"where":     {1, 1, where},
	"select":    {1, 1, project},
	"repeat":    {1, 1, repeat},
	"aggregate": {1, 2, aggregate},
	"first":     {0, 0, func(_ *scope, _ call, in []Item) ([]Item, error) { return slice(in, 0, 1), nil }},
	"last":      {0, 0, func(_ *scope, _ call, in []Item) ([]Item, error) { return slice(in, len(in)-1, len(in)), nil }},
	"tail":      {0, 0, func(_ *scope, _ call, in []Item) ([]Item, error) { return slice(in, 1, len(in)), nil }},
	"single":    {0, 0, single},
	"skip":      {1, 1, skip},
	"take":      {1, 1, take},
	"union":     {1, 1, unionWith},
	"combine":   {1, 2, combine},
	"intersect": {1, 1, intersect},
	"exclude":   {1, 1, exclude},
}

func where(s *scope, k call, in []Item) ([]Item, error) {
	var out []Item
	err := s.eachTruth(k, in, func(it Item, holds bool) bool {
		if holds {
			out = append(out, it)
		}
		return true
	})
	return out, err
}

func project(s *scope, k call, in []Item) ([]Item, error) {
	var out []Item
	err := s.each(k, 0, in, func(_ Item, result []Item) (bool, error) {
		out = append(out, result...)
		return true, s.spend(k.pos, len(result))
	})
	return out, err
}

// repeat projects until nothing new comes; each item once.
func repeat(s *scope, k call, in []Item) ([]Item, error) {
	var out []Item
	for queue := in; len(queue) > 0; {
		var next []Item
		err := s.each(k, 0, queue, func(_ Item, result []Item) (bool, error) {
			for _, it := range result {
				if err := s.spend(k.pos, 1+len(out)/4); err != nil {
					return false, err
				}
				if !same(out, it) {
					out = append(out, it)
					next = append(next, it)
				}
			}
			return true, nil
		})
		if err != nil {
			return nil, err
		}
		queue = next
	}
	return out, nil
}

// same reports whether in holds the item: for nodes the very node or an equal one.
func same(in []Item, it Item) bool {
	if it.val == nil && it.node.Exists() {
		return slices.ContainsFunc(in, func(o Item) bool { return o.val == nil && o.node == it.node })
	}
	return includes(in, it)
}

func aggregate(s *scope, k call, in []Item) ([]Item, error) {
	sub := *s
	sub.total = nil
	if len(k.args) == 2 {
		start, err := s.arg(k, 1)
		if err != nil {
			return nil, err
		}
		sub.total = start
	}
	for i, it := range in {
		if err := s.spend(k.pos, 1); err != nil {
			return nil, err
		}
		sub.this, sub.index = []Item{it}, i
		total, err := k.args[0](&sub)
		if err != nil {
			return nil, err
		}
		sub.total = total
	}
	return sub.total, nil
}

// slice returns in[from:to], as far as it goes, without room to append.
func slice(in []Item, from, to int) []Item {
	from, to = min(max(from, 0), len(in)), min(max(to, 0), len(in))
	if from >= to {
		return nil
	}
	return in[from:to:to]
}

func single(_ *scope, k call, in []Item) ([]Item, error) {
	if len(in) > 1 {
		return nil, k.fail("found several items")
	}
	return in, nil
}

// integer evaluates an argument to one integer; ok is false when it is empty.
func (s *scope) integer(k call, i int) (n int, ok bool, err error) {
	v, err := s.arg(k, i)
	if err != nil || len(v) == 0 {
		return 0, false, err
	}
	wide, isInt := v[0].value().(int64)
	if !isInt || len(v) > 1 {
		return 0, false, k.fail("needs an integer")
	}
	const limit = 1 << 40
	return int(min(max(wide, -limit), limit)), true, nil
}

func skip(s *scope, k call, in []Item) ([]Item, error) {
	n, ok, err := s.integer(k, 0)
	if err != nil || !ok {
		return nil, err
	}
	return slice(in, n, len(in)), nil
}

func take(s *scope, k call, in []Item) ([]Item, error) {
	n, ok, err := s.integer(k, 0)
	if err != nil || !ok {
		return nil, err
	}
	return slice(in, 0, n), nil
}

func unionWith(s *scope, k call, in []Item) ([]Item, error) {
	other, err := s.arg(k, 0)
	if err != nil {
		return nil, err
	}
	return s.distinct(k.pos, in, other)
}

func combine(s *scope, k call, in []Item) ([]Item, error) {
	other, err := s.arg(k, 0)
	if err != nil {
		return nil, err
	}
	return slices.Concat(in, other), s.spend(k.pos, len(in)+len(other))
}

func intersect(s *scope, k call, in []Item) ([]Item, error) {
	other, err := s.arg(k, 0)
	if err != nil {
		return nil, err
	}
	if err := s.compare(k.pos, in, other); err != nil {
		return nil, err
	}
	return s.distinct(k.pos, filter(in, func(it Item) bool { return includes(other, it) }))
}

func exclude(s *scope, k call, in []Item) ([]Item, error) {
	other, err := s.arg(k, 0)
	if err != nil {
		return nil, err
	}
	if err := s.compare(k.pos, in, other); err != nil {
		return nil, err
	}
	return filter(in, func(it Item) bool { return !includes(other, it) }), nil
}
