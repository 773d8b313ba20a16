package agent

// Roots are the certificates, in PEM, that this device trusts beside the system's.
func (d *Device) Roots() []byte {
	return append(append([]byte{}, d.Identity().CA...), d.options.CA...)
}
