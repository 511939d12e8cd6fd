package path

import (
	"slices"

	"github.com/drieluik/drieluik/fhir"
)

// call is one use of a function.
type call struct {
	name string
	pos  int
	args []evalFunc
	keys []key // of sort
	memo *memo
}

// fail returns an error at the call.
func (k call) fail(reason string) error {
	return &Error{Pos: k.pos, Reason: k.name + "() " + reason}
}

// function is one row of the function table.
type function struct {
	min, max int                                               // number of arguments
	eval     func(s *scope, k call, in []Item) ([]Item, error) // nil: see typeTest; its argument is a type
}

// arg evaluates an argument once, in the context of the call.
func (s *scope) arg(k call, i int) ([]Item, error) { return k.args[i](s) }

// each evaluates argument i for every item, with $this and $index, and hands the result to f until
// f says to stop.
func (s *scope) each(k call, i int, in []Item, f func(it Item, result []Item) (more bool, err error)) error {
	sub := *s
	for index, it := range in {
		if err := s.spend(k.pos, 1); err != nil {
			return err
		}
		sub.this, sub.index = []Item{it}, index
		result, err := k.args[i](&sub)
		if err != nil {
			return err
		}
		more, err := f(it, result)
		if err != nil || !more {
			return err
		}
	}
	return nil
}

// eachTruth is each for a criterion: f gets only whether it is true.
func (s *scope) eachTruth(k call, in []Item, f func(it Item, holds bool) (more bool)) error {
	return s.each(k, 0, in, func(it Item, result []Item) (bool, error) {
		value, _, err := truthOf(result, k.pos)
		return err == nil && f(it, value), err
	})
}

// functions is the table of all functions; a name that is not here is refused when compiled.
var functions = merge(existence, subsets, navigation, texts, conversions, numbers, world)

func merge(tables ...map[string]function) map[string]function {
	all := map[string]function{}
	for _, t := range tables {
		for name, f := range t {
			all[name] = f
		}
	}
	return all
}

// existence are the functions that answer whether.
var existence = map[string]function{
	"empty":      {0, 0, func(_ *scope, _ call, in []Item) ([]Item, error) { return boolItems(len(in) == 0), nil }},
	"exists":     {0, 1, exists},
	"all":        {1, 1, all},
	"allTrue":    {0, 0, quantifier(yes, true)},
	"anyTrue":    {0, 0, quantifier(yes, false)},
	"allFalse":   {0, 0, quantifier(no, true)},
	"anyFalse":   {0, 0, quantifier(no, false)},
	"not":        {0, 0, not},
	"count":      {0, 0, func(_ *scope, _ call, in []Item) ([]Item, error) { return []Item{IntegerItem(int64(len(in)))}, nil }},
	"distinct":   {0, 0, func(s *scope, k call, in []Item) ([]Item, error) { return s.distinct(k.pos, in) }},
	"isDistinct": {0, 0, isDistinct},
	"subsetOf":   {1, 1, subsetOf},
	"supersetOf": {1, 1, supersetOf},
	"iif":        {2, 3, iif},
	"is":         {1, 1, nil},
	"as":         {1, 1, nil},
	"ofType":     {1, 1, nil},
	"hasValue":   {0, 0, hasValue},
	"getValue":   {0, 0, getValue},
	"comparable": {1, 1, comparableTo},
}

func exists(s *scope, k call, in []Item) ([]Item, error) {
	if len(k.args) == 0 {
		return boolItems(len(in) > 0), nil
	}
	found := false
	err := s.eachTruth(k, in, func(_ Item, holds bool) bool {
		found = holds
		return !holds
	})
	return boolItems(found), err
}

func all(s *scope, k call, in []Item) ([]Item, error) {
	result := true
	err := s.eachTruth(k, in, func(_ Item, holds bool) bool {
		result = holds
		return holds
	})
	return boolItems(result), err
}

// quantifier builds allTrue and its relatives.
func quantifier(wanted int8, every bool) func(*scope, call, []Item) ([]Item, error) {
	return func(_ *scope, k call, in []Item) ([]Item, error) {
		for _, it := range in {
			b, ok := it.Bool()
			if !ok {
				return nil, k.fail("needs booleans")
			}
			if (truth(b) == wanted) != every {
				return boolItems(!every), nil
			}
		}
		return boolItems(every), nil
	}
}

func not(_ *scope, k call, in []Item) ([]Item, error) {
	t, err := threeValued(in, k.pos)
	return truthItems(-t), err
}

func isDistinct(s *scope, k call, in []Item) ([]Item, error) {
	out, err := s.distinct(k.pos, in)
	return boolItems(len(out) == len(in)), err
}

func subsetOf(s *scope, k call, in []Item) ([]Item, error) {
	other, err := s.arg(k, 0)
	if err != nil {
		return nil, err
	}
	return containsAll(s, k, other, in)
}

func supersetOf(s *scope, k call, in []Item) ([]Item, error) {
	other, err := s.arg(k, 0)
	if err != nil {
		return nil, err
	}
	return containsAll(s, k, in, other)
}

func containsAll(s *scope, k call, whole, part []Item) ([]Item, error) {
	if err := s.compare(k.pos, part, whole); err != nil {
		return nil, err
	}
	outside := func(it Item) bool { return !includes(whole, it) }
	return boolItems(!slices.ContainsFunc(part, outside)), nil
}

// iif evaluates only the branch that it takes.
func iif(s *scope, k call, in []Item) ([]Item, error) {
	if len(in) > 1 {
		return nil, k.fail("needs at most one item before it")
	}
	sub := *s
	if len(in) == 1 {
		sub.this = in
	}
	criterion, err := k.args[0](&sub)
	if err != nil {
		return nil, err
	}
	holds := false
	if len(criterion) > 0 {
		var ok bool
		if holds, ok = criterion[0].Bool(); !ok || len(criterion) > 1 {
			return nil, k.fail("needs a single boolean as criterion")
		}
	}
	if holds {
		return k.args[1](&sub)
	}
	if len(k.args) == 3 {
		return k.args[2](&sub)
	}
	return nil, nil
}

func hasValue(_ *scope, _ call, in []Item) ([]Item, error) {
	return boolItems(len(in) == 1 && in[0].node.Shape() != fhir.Object && in[0].value() != nil), nil
}

func getValue(_ *scope, _ call, in []Item) ([]Item, error) {
	if len(in) != 1 || in[0].node.Shape() == fhir.Object {
		return nil, nil
	}
	if v := in[0].value(); v != nil {
		return []Item{{val: v}}, nil
	}
	return nil, nil
}

// comparableTo answers whether two quantities have units of one dimension.
func comparableTo(s *scope, k call, in []Item) ([]Item, error) {
	other, err := s.arg(k, 0)
	if err != nil || len(in) == 0 || len(other) == 0 {
		return nil, err
	}
	m, ok1 := asMeasure(in[0].value())
	n, ok2 := asMeasure(other[0].value())
	if !ok1 || !ok2 || len(in) > 1 || len(other) > 1 {
		return nil, k.fail("needs single quantities")
	}
	_, ok := m.order(n)
	return boolItems(ok), nil
}
