package people

import (
	"crypto/sha256"
	"encoding/base64"
)

// met is who the rows of a file were about, row by row, [len(unmet)] characters each: a hash of their id, or unmet for who is
// nobody yet or not known. Graph finds somebody who stands twice in one part by different names; parts know nothing of each other.
type met string

const unmet met = "--------"

func metAs(id string) met {
	if id == "" {
		return unmet
	}
	sum := sha256.Sum256([]byte(id))
	return met(base64.RawURLEncoding.EncodeToString(sum[:len(unmet)*6/8]))
}

// lines are the lines of rows, the first of the file, by who they were about.
func (m met) lines(rows []fileRow) map[string]int {
	lines := map[string]int{}
	for i, r := range rows {
		if len(m) < (i+1)*len(unmet) {
			break
		}
		who := string(m[i*len(unmet) : (i+1)*len(unmet)])
		if _, there := lines[who]; !there && who != string(unmet) {
			lines[who] = r.line
		}
	}
	return lines
}
