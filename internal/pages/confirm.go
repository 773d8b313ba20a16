package pages

import "time"

// confirmPage is confirm.html: says which device or application asks for a sign-in. The
// answer is in the field answer, approve or deny; with AskNumber the number that the
// other device shows is in the field number.
type confirmPage struct {
	frame
	who
	Application string
	Device      string // the host that asks; "" when it gave no name
	Place       string // from its address; may be empty
	Address     string // the IP address that asks
	EndsAt      time.Time
	AskNumber   bool
	Joins       bool // the device is to join in the person's name
}

func (confirmPage) file() string { return "confirm.html" }
