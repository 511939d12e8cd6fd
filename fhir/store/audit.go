package store

import (
	"crypto/sha256"
	"encoding/binary"
	"hash/crc32"
	"time"
)

// chainTag begins the text of every hash of a chain (access.md 8).
const chainTag = "drieluik-audit-1"

// chainHash is SHA-256(tag ‖ prev ‖ be64(seq) ‖ be64(µs) ‖ be32(len comp) ‖ comp ‖ SHA-256(body)).
func chainHash(prev []byte, seq int64, at time.Time, comp string, body []byte) [32]byte {
	sum := sha256.Sum256(body)
	b := make([]byte, 0, len(chainTag)+32+8+8+4+len(comp)+32)
	b = append(b, chainTag...)
	b = append(b, prev...)
	b = binary.BigEndian.AppendUint64(b, uint64(seq))
	b = binary.BigEndian.AppendUint64(b, uint64(at.UnixMicro()))
	b = binary.BigEndian.AppendUint32(b, uint32(len(comp)))
	b = append(b, comp...)
	return sha256.Sum256(append(b, sum[:]...))
}

// instant is how commit times are written into bodies.
const instant = "2006-01-02T15:04:05.000Z"

// recorded returns an AuditEvent with its recorded member put in at offset.
func recorded(body []byte, offset int, at time.Time) []byte {
	b := make([]byte, 0, len(body)+len(`"recorded":"",`)+len(instant))
	b = append(b, body[:offset]...)
	b = append(b, `"recorded":"`...)
	b = at.UTC().AppendFormat(b, instant)
	b = append(b, `",`...)
	return append(b, body[offset:]...)
}

// offsetBits is how much of audit.recorded_at is the offset. Above it stands the CRC-32C of the body as
// it is kept: its decoder does not look at every bit of it, and a flipped one must be found.
const offsetBits = 20

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// placeOf is the value of audit.recorded_at.
func placeOf(offset int, packed []byte) int64 {
	return int64(crc32.Checksum(packed, castagnoli))<<offsetBits | int64(offset)
}

// offsetIn returns the offset, and whether the packed body is the one that was kept.
func offsetIn(place int64, packed []byte) (int, bool) {
	offset := int(place & (1<<offsetBits - 1))
	return offset, place == placeOf(offset, packed)
}

// chain appends one AuditEvent to the chain of its compartment. The body is kept without its
// recorded member, which the row's instant gives back.
func (t *tx) chain(a *preparedAudit) error {
	c, err := t.comp(a.Compartment)
	if err != nil {
		return err
	}
	at := time.UnixMilli(t.at)
	seq := c.seq + 1
	hash := chainHash(c.hash, seq, at, c.name, recorded(a.Body, a.RecordedAt, at))
	err = t.c.exec(`INSERT INTO audit VALUES(?,?,?,?,?,?,?,?)`,
		c.n, seq, t.at, c.hash, hash[:], a.dict, placeOf(a.RecordedAt, a.packed), a.packed)
	if err != nil {
		return err
	}
	c.seq, c.hash, c.at, c.grew = seq, hash[:], t.at, true
	return nil
}
