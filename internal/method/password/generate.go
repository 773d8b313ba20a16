package password

import (
	"crypto/rand"
	"io"
	"math/big"
	"strings"
)

// alphabet is what generated passwords are made of: it can be read aloud and typed on every
// keyboard. Four groups of four characters carry 79 bits.
const alphabet = "abcdefghjkmnpqrstuvwxyz23456789"

const groupLength = 4

// Generate draws a password that r allows from source: groups of four characters.
func Generate(source io.Reader, r Rules) (Text, error) {
	groups := max(4, (r.MinimumLength+groupLength)/(groupLength+1))
	for {
		all := make([]string, groups)
		for i := range all {
			group := make([]byte, groupLength)
			for j := range group {
				n, err := rand.Int(source, big.NewInt(int64(len(alphabet))))
				if err != nil {
					return Text{}, err
				}
				group[j] = alphabet[n.Int64()]
			}
			all[i] = string(group)
		}
		text := strings.Join(all, "-")
		if p := (Text{&text}); r.Check(p) == nil {
			return p, nil
		}
	}
}
