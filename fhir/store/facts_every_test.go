package store_test

import (
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/store"
)

// fill gives every member of v a value that is not zero.
func fill(v reflect.Value) {
	if v.Type() == reflect.TypeFor[time.Time]() {
		v.Set(reflect.ValueOf(time.Unix(1_700_000_000, 5_000_000).UTC()))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString("x")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int32, reflect.Int64:
		v.SetInt(3)
	case reflect.Uint8:
		v.SetUint(3)
	case reflect.Float64:
		v.SetFloat(2.5)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem())
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range v.Len() {
			fill(v.Index(i))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i))
		}
	}
}

// TestEveryFactIsStored: a member that policy adds and the store forgets would close access.
func TestEveryFactIsStored(t *testing.T) {
	t.Parallel()
	var f auth.ResourceFacts
	fill(reflect.ValueOf(&f).Elem())
	got, err := store.DecodeFacts(store.EncodeFacts(f))
	if err != nil {
		t.Fatal(err)
	}
	f.Ref, f.FiledAt, f.Updated = fhir.Ref{}, time.Time{}, time.Time{} // these stand in columns
	if d := cmp.Diff(f, got); d != "" {
		t.Errorf("facts that are lost (-written +read):\n%s", d)
	}
}
