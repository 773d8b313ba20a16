package pages

// devicePage is device.html: asks for the code that another device shows (RFC 8628
// section 3.3), in the field otc. What was typed is never shown again.
type devicePage struct {
	frame
	who
}

func (devicePage) file() string { return "device.html" }
