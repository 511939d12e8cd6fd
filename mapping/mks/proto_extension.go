package mks

import (
	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"

	"github.com/drieluik/drieluik/fhir"
)

// extensionURL returns the canonical of an extension of ours (mks.md 6.4).
func extensionURL(name string) string { return fhir.Canonical + "/StructureDefinition/" + name }

// extensionOf returns a simple extension of ours.
func extensionOf(name string, v *dpb.Extension_ValueX) *dpb.Extension {
	return simple(extensionURL(name), v)
}

// simple returns an extension with any URL, nil without a value.
func simple(url string, v *dpb.Extension_ValueX) *dpb.Extension {
	if v == nil {
		return nil
	}
	return &dpb.Extension{Url: &dpb.Uri{Value: url}, Value: v}
}

// complexOf returns a complex extension of ours; nil parts are left out. A part is made with simple
// and its bare name: complexOf("wijziging", simple("reden", vstr(s))).
func complexOf(name string, parts ...*dpb.Extension) *dpb.Extension {
	return nested(extensionURL(name), parts...)
}

// nested returns an extension of extensions with any URL.
func nested(url string, parts ...*dpb.Extension) *dpb.Extension {
	return &dpb.Extension{Url: &dpb.Uri{Value: url}, Extension: some(parts...)}
}

// some leaves out the nil ones.
func some[T any](all ...*T) []*T {
	var out []*T
	for _, x := range all {
		if x != nil {
			out = append(out, x)
		}
	}
	return out
}

// vstr, vcode and the like return values of extensions: nil for an absent value.
func vstr(s string) *dpb.Extension_ValueX {
	if s == "" {
		return nil
	}
	return &dpb.Extension_ValueX{Choice: &dpb.Extension_ValueX_StringValue{StringValue: pstr(s)}}
}

func vcode(s string) *dpb.Extension_ValueX {
	if s == "" {
		return nil
	}
	return &dpb.Extension_ValueX{Choice: &dpb.Extension_ValueX_Code{Code: &dpb.Code{Value: s}}}
}

// vbool returns a boolean of the source, nil when it is absent.
func vbool(v value) *dpb.Extension_ValueX {
	if !v.present() {
		return nil
	}
	return vtruth(v.yes())
}

func vtruth(b bool) *dpb.Extension_ValueX {
	return &dpb.Extension_ValueX{Choice: &dpb.Extension_ValueX_Boolean{Boolean: pbool(b)}}
}

func vcoding(c *dpb.Coding) *dpb.Extension_ValueX {
	return &dpb.Extension_ValueX{Choice: &dpb.Extension_ValueX_Coding{Coding: c}}
}

func vdate(d day) *dpb.Extension_ValueX {
	if d == "" {
		return nil
	}
	return &dpb.Extension_ValueX{Choice: &dpb.Extension_ValueX_Date{Date: pday(d)}}
}

func vmoment(s string) *dpb.Extension_ValueX {
	if s == "" {
		return nil
	}
	return &dpb.Extension_ValueX{Choice: &dpb.Extension_ValueX_DateTime{DateTime: pmoment(s)}}
}

func vtime(s string) *dpb.Extension_ValueX {
	return &dpb.Extension_ValueX{Choice: &dpb.Extension_ValueX_Time{Time: ptime(s)}}
}

func vpositive(n int64) *dpb.Extension_ValueX {
	return &dpb.Extension_ValueX{Choice: &dpb.Extension_ValueX_PositiveInt{PositiveInt: ppositive(n)}}
}

func vref(r *dpb.Reference) *dpb.Extension_ValueX {
	if r == nil {
		return nil
	}
	return &dpb.Extension_ValueX{Choice: &dpb.Extension_ValueX_Reference{Reference: r}}
}

func vperiod(p *dpb.Period) *dpb.Extension_ValueX {
	if p == nil {
		return nil
	}
	return &dpb.Extension_ValueX{Choice: &dpb.Extension_ValueX_Period{Period: p}}
}

func vquantity(q *dpb.Quantity) *dpb.Extension_ValueX {
	return &dpb.Extension_ValueX{Choice: &dpb.Extension_ValueX_Quantity{Quantity: q}}
}

func vconcept(c *dpb.CodeableConcept) *dpb.Extension_ValueX {
	return &dpb.Extension_ValueX{Choice: &dpb.Extension_ValueX_CodeableConcept{CodeableConcept: c}}
}
