package record

import "github.com/drieluik/drieluik/mapping/form"

// scanItems is how many items the form has.
const scanItems = 27

// checkScan holds the rules of mks.md 3.4 that need the document alone.
func checkScan(d *Document) {
	in := d.Content()
	checkScanDomains(d, in.At("domeinen"))
	checkScanItems(d, in.At("domeinen"))
	if heard := in.At("kindGehoord"); heard.At("ja").Sound() && !heard.At("ja").Yes() && !heard.At("reden").Present() {
		d.Fail("MKS-HBS-04", heard)
	}
	if last := in.At("vorigeScan"); in.At("soort").Str() == "herhaling" && !last.Present() {
		d.Warn("MKS-HBS-06", last)
	}
	for _, v := range in.At("afgenomenOp").Items() {
		if v.Sound() && v.Day().After(d.Head.RecordedDay) {
			d.Fail("MKS-HBS-10", v)
		}
	}
}

// checkScanDomains holds HBS-01, and ENV-14 for the needs of all domains together.
func checkScanDomains(d *Document, list form.Value) {
	domains, ids := map[string]bool{}, map[string]bool{}
	for _, v := range list.Items() {
		if domain := v.At("domein"); domain.Sound() {
			if domains[domain.Str()] {
				d.Fail("MKS-HBS-01", list)
			}
			domains[domain.Str()] = true
		}
		for _, need := range v.At("behoeften").Items() {
			id := need.At("id").Str()
			if id != "" && ids[id] {
				d.Fail("MKS-ENV-14", list)
			}
			ids[id] = true
		}
	}
}

// checkScanItems holds what each need must be, and HBS-09.
func checkScanItems(d *Document, list form.Value) {
	seen := map[string]bool{}
	for _, v := range list.Items() {
		for _, need := range v.At("behoeften").Items() {
			checkScanItem(d, need.At("item"), v.At("domein"), seen)
			checkScanNeed(d, need)
		}
	}
	if list.Sound() && len(seen) < scanItems {
		d.Inform("MKS-HBS-09", list)
	}
}

// checkScanItem holds HBS-02 and HBS-03. It adds the item to those that were seen.
func checkScanItem(d *Document, item, domain form.Value, seen map[string]bool) {
	if !item.Sound() {
		return
	}
	if at := ScanPlace(domain.Str()); at >= 0 && ScanGroups[at].Place(item.Str()) < 0 {
		d.Fail("MKS-HBS-02", item)
	}
	if seen[item.Str()] {
		d.Fail("MKS-HBS-03", item)
	}
	seen[item.Str()] = true
}

// checkScanNeed holds HBS-07 and HBS-08.
func checkScanNeed(d *Document, need form.Value) {
	level, note := need.At("niveau").Str(), need.At("toelichting")
	if (level == "3" || level == "4") && !note.Present() {
		d.Warn("MKS-HBS-07", note)
	}
	if who := need.At("over"); who.Sound() {
		d.Inform("MKS-HBS-08", who)
	}
}

// LastOf returns the last element of a list that has one.
func LastOf(list form.Value) form.Value {
	all := list.Items()
	return all[len(all)-1]
}
