package authenticator

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"strconv"
)

// Numbers is how many numbers there are: 10 to 99, so that none begins with a zero that
// people leave out.
const Numbers = 90

// Number is what the page of a sign-in shows for its round-th request. The challenge is the
// sign-in's own and secret, so that whoever loads the page again gets no other number to pick
// from, and two sign-ins have nothing to do with each other. The bias of the remainder is
// below 2^-57.
func Number(challenge []byte, round int) string {
	mac := hmac.New(sha256.New, challenge)
	mac.Write([]byte("number matching"))
	mac.Write(binary.BigEndian.AppendUint64(nil, uint64(round)))
	return strconv.FormatUint(10+binary.BigEndian.Uint64(mac.Sum(nil))%Numbers, 10)
}
