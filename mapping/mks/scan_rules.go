package mks

// scanItems is how many items the form has.
const scanItems = 27

// checkScan holds the rules of mks.md 3.4 that need the document alone.
func checkScan(d *document) {
	in := d.inhoud()
	checkScanDomains(d, in.at("domeinen"))
	checkScanItems(d, in.at("domeinen"))
	if heard := in.at("kindGehoord"); heard.at("ja").sound() && !heard.at("ja").yes() && !heard.at("reden").present() {
		d.fail("MKS-HBS-04", heard)
	}
	if last := in.at("vorigeScan"); in.at("soort").str() == "herhaling" && !last.present() {
		d.warn("MKS-HBS-06", last)
	}
	for _, v := range in.at("afgenomenOp").items() {
		if v.sound() && v.day().after(d.head.recordedDay) {
			d.fail("MKS-HBS-10", v)
		}
	}
}

// checkScanDomains holds HBS-01, and ENV-14 for the needs of all domains together.
func checkScanDomains(d *document, list value) {
	domains, ids := map[string]bool{}, map[string]bool{}
	for _, v := range list.items() {
		if domain := v.at("domein"); domain.sound() {
			if domains[domain.str()] {
				d.fail("MKS-HBS-01", list)
			}
			domains[domain.str()] = true
		}
		for _, need := range v.at("behoeften").items() {
			id := need.at("id").str()
			if id != "" && ids[id] {
				d.fail("MKS-ENV-14", list)
			}
			ids[id] = true
		}
	}
}

// checkScanItems holds what each need must be, and HBS-09.
func checkScanItems(d *document, list value) {
	seen := map[string]bool{}
	for _, v := range list.items() {
		for _, need := range v.at("behoeften").items() {
			checkScanItem(d, need.at("item"), v.at("domein"), seen)
			checkScanNeed(d, need)
		}
	}
	if list.sound() && len(seen) < scanItems {
		d.inform("MKS-HBS-09", list, "")
	}
}

// checkScanItem holds HBS-02 and HBS-03. It adds the item to those that were seen.
func checkScanItem(d *document, item, domain value, seen map[string]bool) {
	if !item.sound() {
		return
	}
	if at := scanPlace(domain.str()); at >= 0 && scanGroups[at].place(item.str()) < 0 {
		d.fail("MKS-HBS-02", item)
	}
	if seen[item.str()] {
		d.fail("MKS-HBS-03", item)
	}
	seen[item.str()] = true
}

// checkScanNeed holds HBS-07 and HBS-08.
func checkScanNeed(d *document, need value) {
	level, note := need.at("niveau").str(), need.at("toelichting")
	if (level == "3" || level == "4") && !note.present() {
		d.warn("MKS-HBS-07", note)
	}
	if who := need.at("over"); who.sound() {
		d.inform("MKS-HBS-08", who, "")
	}
}

// checkStoredScan holds HBS-05.
func checkStoredScan(m *mapper) error {
	in := m.inhoud()
	heard, days := in.at("kindGehoord"), in.at("afgenomenOp")
	if !m.child.stored || m.head.status == "ingetrokken" || !heard.at("ja").sound() || heard.at("ja").yes() || !days.sound() {
		return nil
	}
	facts, _, err := m.toldFacts(m.custodianFacts())
	if err == nil && facts.birth != "" && age(facts.birth, lastOf(days).day()) >= 12 {
		m.warn("MKS-HBS-05", heard)
	}
	return err
}

// lastOf returns the last element of a list that has one.
func lastOf(list value) value {
	all := list.items()
	return all[len(all)-1]
}
