: for-ever begin again ;
for-ever
