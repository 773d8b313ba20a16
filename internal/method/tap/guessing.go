package tap

import "math"

// Guess says how hopeless guessing a pass is under the throttle.
type Guess struct {
	Bits   int     // entropy of a passcode
	PerDay int     // tries that the throttle lets through for one account from all places
	Years  float64 // until a pass of this length would be found with even odds
}

// triesPerDay is what docs/throttling.md allows strangers for one account and method: 50 in
// the first moment of each hour and one in 10 s for the rest of it.
const triesPerDay = 24 * (50 + 360)

// Guessing returns the odds for passcodes of the given length in characters.
func Guessing(length int) Guess {
	bits := length * BitsPerCharacter
	years := math.Pow(2, float64(bits-1)) / triesPerDay / 365
	return Guess{Bits: bits, PerDay: triesPerDay, Years: math.Round(years)}
}
