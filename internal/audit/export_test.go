package audit

// For tests: pages of any size, and rows made without the service.
var (
	VerifyPages = verify
	Digest      = digest
)
