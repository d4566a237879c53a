SELECT boom;
