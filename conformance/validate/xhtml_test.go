package validate_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/drieluik/drieluik/conformance/validate"
	"github.com/drieluik/drieluik/fhir"
)

const open = `<div xmlns="http://www.w3.org/1999/xhtml">`

func narrative(t *testing.T, div string) []string {
	t.Helper()
	text, err := json.Marshal(div)
	if err != nil {
		t.Fatal(err)
	}
	r, issues := fhir.Parse([]byte(`{"resourceType":"Basic","code":{"text":"A"},"text":{"status":"generated","div":`+string(text)+`}}`), fhir.Limits{})
	if r == nil {
		t.Fatal(issues)
	}
	var texts []string
	for _, i := range validate.Resource(r) {
		if i.Diagnostics != "txt-1" && i.Diagnostics != "txt-2" || i.Expression != "Basic.text.div" {
			t.Errorf("%+v", i)
		}
		texts = append(texts, i.Text)
	}
	return texts
}

func TestSafeNarrativesPass(t *testing.T) {
	t.Parallel()
	for _, div := range []string{
		open + "A</div>",
		"  " + open + "A</div>\n",
		`<div class="x" xmlns='http://www.w3.org/1999/xhtml' lang="nl" xml:lang="nl">A</div>`,
		open + `<p>a<br/>b &lt; c &amp; d &#233; &#xE9;</p><!-- note --></div>`,
		open + `<table border="1"><thead><tr><th colspan="2">A</th></tr></thead><tbody><tr><td>B</td><td/></tr></tbody></table></div>`,
		open + `<a href="https://e.org/a?b=c&amp;d=e">A</a> <a href="mailto:a@e.org">B</a> <a href="#c">C</a> <a name="c">D</a> <a href="Patient/1">E</a></div>`,
		open + `<img src="data:image/png;base64,YQ==" alt="A"/></div>`,
		open + `<img alt="A" src="#image1" /></div>`,
		open + `<span style="color: red; font-weight: bold">A</span></div>`,
		open + `<ul><li><b>A</b> <i>B</i></li></ul></div >`,
		open + strings.Repeat("<div>", 60) + "A" + strings.Repeat("</div>", 60) + "</div>",
	} {
		if found := narrative(t, div); len(found) > 0 {
			t.Errorf("%s: %v", div, found)
		}
	}
}

// refused narratives, each with a part of the only text that must be told.
var refused = []struct{ name, div, want string }{
	{"no markup", "A", "must be one <div"},
	{"no namespace", "<div>A</div>", "must be one <div"},
	{"another namespace", `<div xmlns="http://e.org">A</div>`, "must be one <div"},
	{"another root", `<p xmlns="http://www.w3.org/1999/xhtml">A</p>`, "must be one <div"},
	{"a root that begins alike", `<divider xmlns="http://www.w3.org/1999/xhtml">A</divider>`, "must be one <div"},
	{"two roots", open + "A</div><div>B</div>", "must be one <div"},
	{"text behind", open + "A</div>B", "must be one <div"},
	{"an XML declaration", `<?xml version="1.0"?>` + open + "A</div>", "must be one <div"},
	{"an open element", open + "<p>A</div>", "not well-formed"},
	{"an open root", open + "A", "not well-formed"},
	{"crossed elements", open + "<b><i>A</b></i></div>", "not well-formed"},
	{"an open tag", open + "<p", "not well-formed"},
	{"a stray <", open + "a < b</div>", "not well-formed"},
	{"an attribute without quotes", open + "<p class=a>A</p></div>", "not well-formed"},
	{"an attribute without value", open + "<td nowrap>A</td></div>", "not well-formed"},
	{"an attribute twice", open + `<p class="a" class="b">A</p></div>`, "not well-formed"},
	{"attributes without space", open + `<p class="a"id="b">A</p></div>`, "not well-formed"},
	{"< in an attribute", open + `<p title="<script>">A</p></div>`, "not well-formed"},
	{"an element in capitals", open + "<P>A</P></div>", "not basic formatting"},
	{"a script", open + "<script>alert(1)</script></div>", "not basic formatting"},
	{"a script of a prefix", open + "<svg:script>alert(1)</svg:script></div>", "not basic formatting"},
	{"a style sheet", open + "<style>p{}</style>A</div>", "not basic formatting"},
	{"a frame", open + `<iframe src="https://e.org"></iframe>A</div>`, "not basic formatting"},
	{"a form", open + "<form><input/></form>A</div>", "not basic formatting"},
	{"an object", open + `<object data="https://e.org"/>A</div>`, "not basic formatting"},
	{"a drawing", open + `<svg><animate/></svg>A</div>`, "not basic formatting"},
	{"an event handler", open + `<p onclick="alert(1)">A</p></div>`, "may not have"},
	{"an event handler on the root", `<div xmlns="http://www.w3.org/1999/xhtml" onload="a()">A</div>`, "may not have"},
	{"an attribute of another element", open + `<p href="https://e.org">A</p></div>`, "may not have"},
	{"a link that runs", open + `<a href="javascript:alert(1)">A</a></div>`, "A link"},
	{"a link that runs, in disguise", open + `<a href=" JaVa&#115;cript&#58;alert(1)">A</a></div>`, "A link"},
	{"a link with a line break in its scheme", open + `<a href="java&#10;script:alert(1)">A</a></div>`, "A link"},
	{"a link to data", open + `<a href="data:text/html,x">A</a></div>`, "A link"},
	{"a link without scheme to elsewhere", open + `<a href="//e.org">A</a></div>`, "A link"},
	{"an image from elsewhere", open + `<img src="https://e.org/a.png" alt="A"/></div>`, "An image"},
	{"an image of the server", open + `<img src="a.png" alt="A"/></div>`, "An image"},
	{"a style that loads", open + `<p style="background: url(https://e.org)">A</p></div>`, "A style"},
	{"a style that loads, in disguise", open + `<p style="background: \75rl(https://e.org)">A</p></div>`, "A style"},
	{"an entity of HTML", open + "a&nbsp;b</div>", "may use &lt;"},
	{"a stray &", open + "a & b</div>", "may use &lt;"},
	{"a control character as it is", open + "a\u0001b</div>", "not well-formed"},
	{"half a surrogate pair", open + "a&#xD800;b</div>", "may use &lt;"},
	{"a control character", open + "a&#1;b</div>", "may use &lt;"},
	{"a document type", open + "<!DOCTYPE html>A</div>", "document type"},
	{"CDATA", open + "<![CDATA[<script>]]>A</div>", "document type"},
	{"a processing instruction", open + "<?php a ?>A</div>", "document type"},
	{"a comment that HTML ends early", open + "<!--><b>-->A</div>", "document type"},
	{"a comment with two hyphens", open + "<!-- a -- b -->A</div>", "document type"},
	{"a comment without end", open + "<!-- a </div>", "document type"},
	{"nothing to see", open + " <p> </p>\n</div>", "shows nothing"},
	{"an empty root", `<div xmlns="http://www.w3.org/1999/xhtml"/>`, "shows nothing"},
	{"too deep", open + strings.Repeat("<div>", 64) + "A" + strings.Repeat("</div>", 65), "too deeply"},
}

func TestUnsafeOrBrokenNarrativesAreRefused(t *testing.T) {
	t.Parallel()
	for _, c := range refused {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			found := narrative(t, c.div)
			if len(found) != 1 || !strings.Contains(found[0], c.want) {
				t.Errorf("got %q, want one that says %q", found, c.want)
			}
		})
	}
}

func TestANarrativeTellsAllItsKindsOfFaults(t *testing.T) {
	t.Parallel()
	found := narrative(t, open+`<script/><script/><p onclick="a"><a href="javascript:a">A</a>&nbsp;</p></div>`)
	if len(found) != 4 {
		t.Errorf("%d faults: %q", len(found), found)
	}
}
