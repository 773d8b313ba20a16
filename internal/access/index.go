package access

import (
	"fmt"
	"slices"
	"strings"
)

// A bitset is a set of policies or of places by number.
type bitset []uint64

func (b bitset) set(i int)      { b[i/64] |= 1 << (i % 64) }
func (b bitset) unset(i int)    { b[i/64] &^= 1 << (i % 64) }
func (b bitset) has(i int) bool { return b[i/64]&(1<<(i%64)) != 0 }

func (b bitset) add(other bitset) {
	for i := range other {
		b[i] |= other[i]
	}
}

func (b bitset) drop(other bitset) {
	for i := range other {
		b[i] &^= other[i]
	}
}

// keep leaves what is in other, too; nil is the empty set.
func (b bitset) keep(other bitset) {
	for i := range b {
		if other == nil {
			b[i] = 0
		} else {
			b[i] &= other[i]
		}
	}
}

func (b bitset) meets(other bitset) bool {
	for i := range other {
		if b[i]&other[i] != 0 {
			return true
		}
	}
	return false
}

// room is how many policies, places and filters a request is held against without allocating: 16 words of 64.
const room = 16

// zeros returns n words, of buffer if it is large enough.
func zeros(buffer *[room]uint64, n int) bitset {
	if n > room {
		return make(bitset, n)
	}
	return buffer[:n]
}

// An index says which policies include and exclude an id, so that a person's ids are looked up
// once and not once a policy.
type index struct {
	words         int
	every, except bitset // for the value that stands for all
	in, out       map[string]bitset
}

func (x *index) include(i int, all string, lists ...[]string) {
	x.every, x.in = x.put(x.every, x.in, i, all, lists)
}

func (x *index) exclude(i int, all string, lists ...[]string) {
	x.except, x.out = x.put(x.except, x.out, i, all, lists)
}

// find adds the policies that include id to in, and those that exclude it to out.
func (x *index) find(in, out bitset, id string) {
	in.add(x.in[id])
	out.add(x.out[id])
}

func (x *index) put(every bitset, by map[string]bitset, i int, all string, lists [][]string) (bitset, map[string]bitset) {
	if every == nil {
		every, by = make(bitset, x.words), map[string]bitset{}
	}
	for _, id := range slices.Concat(lists...) {
		if id == all {
			every.set(i)
			continue
		}
		key := strings.ToLower(id)
		if id == Guests {
			key = Guests
		}
		if by[key] == nil {
			by[key] = make(bitset, x.words)
		}
		by[key].set(i)
	}
	return every, by
}

// A mask is a set of words, each of them a bit.
type mask uint16

// The words of conditions, in the order of their bitset.
var (
	clientTypes = []string{Browser, NativeClient, "exchangeActiveSync", "easSupported", OtherClient}
	platforms   = []string{"android", "iOS", "windows", "windowsPhone", "macOS", "linux"}
	risks       = []Risk{RiskNone, RiskLow, RiskMedium, RiskHigh}
	flows       = []string{DeviceCodeFlow, "authenticationTransfer"}
)

// maskOf turns words into a mask; all is left to the caller. It keeps in err the first word
// that nobody knows.
func maskOf[T ~string](err *error, of, list []T) mask {
	var m mask
	for _, word := range list {
		found := bit(of, word)
		if found == 0 && word != "all" && *err == nil {
			*err = fmt.Errorf("unknown word %q", word)
		}
		m |= found
	}
	return m
}

// bit is that of a word, or nothing.
func bit[T ~string](of []T, word T) mask {
	for i, known := range of {
		if known == word {
			return 1 << i
		}
	}
	return 0
}
